;; The start function never ends: nothing of the guest was called yet.
;;! "left-out": true, "expect": ["ms of CPU"]
(start $spin)
(func $spin (loop (br 0)))
