;; A custom message type that belongs to the protocol.
;;! "left-out": true, "expect": ["custommessages"], "manifest": {"custommessages": [16, 18]}
