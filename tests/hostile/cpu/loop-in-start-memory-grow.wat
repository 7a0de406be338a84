;; The start function never ends, and calls into the engine at every turn.
;;! "left-out": true, "expect": ["ms of CPU"]
(start $spin)
(func $spin (loop (drop (memory.grow (i32.const 0))) (br 0)))
