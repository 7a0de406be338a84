;; The background task asks for random bytes, 60 KB at a time, without end.
;;! "expect": ["starts again"]
(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
(func (export "cln:guest/plugin@0.1.0#run")
  (loop (drop (call $random (i32.const 200000) (i32.const 60000))) (br 0)))
