;; A notification never ends: it asks for the next one again and again.
;;! "expect": ["ms of CPU", "it starts again"]
(import "cln:guest/subscription@0.1.0" "next" (func $next (param i32)))
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32)
  (loop (call $next (i32.const 512)) (br 0)))
