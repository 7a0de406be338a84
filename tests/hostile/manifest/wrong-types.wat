;; Every member of the manifest of another type than it must be.
;;! "left-out": true, "expect": ["its manifest"], "manifest": {"options": {}, "rpcmethods": 7, "hooks": "all", "subscriptions": null, "dynamic": "yes"}
