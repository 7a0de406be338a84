;; A hook that is to come before itself.
;;! "left-out": true, "expect": ["ring"], "manifest": {"hooks": [{"name": "peer_connected", "before": ["%NAME%"]}]}
