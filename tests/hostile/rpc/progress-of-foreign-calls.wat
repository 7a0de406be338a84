;; Messages and progress about every call from 0 to 5,000, of other guests among them.
;;! "expect": [{"level": "info", "text": "runs here"}]
(import "cln:guest/progress@0.1.0" "message" (func $message (param i64 i32 i32 i32)))
(import "cln:guest/progress@0.1.0" "progress" (func $progress (param i64 i32 i32 i32 i32 i32)))
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(data (i32.const 800) "mine")
(func (export "cln:guest/plugin@0.1.0#run") (local $id i64)
  (loop
    (local.set $id (i64.const 0))
    (loop
      (call $message (local.get $id) (i32.const 2) (i32.const 800) (i32.const 4))
      (call $progress (local.get $id) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 9) (i32.const 2))
      (local.set $id (i64.add (local.get $id) (i64.const 1)))
      (br_if 0 (i64.lt_u (local.get $id) (i64.const 5000))))
    (call $sleep (i64.const 5) (i32.const 65504))
    (br 0)))
