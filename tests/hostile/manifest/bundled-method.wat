;; A method with the name of one of lightningd's own plugins.
;;! "left-out": true, "expect": ["pay"], "manifest": {"rpcmethods": [{"name": "pay", "usage": "", "description": ""}]}
