;; Feature bits that are no hex.
;;! "left-out": true, "expect": ["featurebits"], "manifest": {"featurebits": {"node": "xyz"}}
