;; A notification never ends.
;;! "expect": ["ms of CPU", "it starts again"]
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32)
  (loop (br 0)))
