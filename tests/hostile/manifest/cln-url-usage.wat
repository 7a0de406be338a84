;; A usage with an escape sequence: lightningd dies over it.
;;! "left-out": true, "expect": ["usage"], "manifest": {"rpcmethods": [{"name": "usage-escape", "usage": "a\u0001b", "description": ""}]}
