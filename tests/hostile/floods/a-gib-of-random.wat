;; A method asks for more random bytes at once than it may have.
;;! "expect": ["starts again"], "answers": {"method": {"error": [-4, -3]}}
(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (drop (call $random (i32.const 200000) (i32.const 1073741824))) (unreachable))
