;; Custom message types that do not fit in two bytes.
;;! "left-out": true, "expect": ["custommessages"], "manifest": {"custommessages": [65536, -1, 1e300]}
