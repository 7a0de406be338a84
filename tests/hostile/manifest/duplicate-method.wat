;; The same method twice.
;;! "left-out": true, "expect": ["twice"], "manifest": {"rpcmethods": [{"name": "twice", "usage": "", "description": ""}, {"name": "twice", "usage": "", "description": ""}]}
