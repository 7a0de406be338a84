;; A manifest that says that request ids must be numbers, which lightningd of today kills for.
;;! "left-out": true, "expect": ["nonnumericids"], "manifest": {"nonnumericids": false}
