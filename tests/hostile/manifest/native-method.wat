;; A method with the name of lightningd's own.
;;! "left-out": true, "expect": ["getinfo"], "manifest": {"rpcmethods": [{"name": "getinfo", "usage": "", "description": ""}]}
