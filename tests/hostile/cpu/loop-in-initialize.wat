;; `_initialize`, which runs before anything else of a wasip1 library, never ends.
;;! "left-out": true, "expect": ["ms of CPU"]
(func (export "_initialize") (loop (br 0)))
