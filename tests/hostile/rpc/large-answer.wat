;; The node answers with 4 MiB, where no text of the guest may have more than 64 KiB.
;;! "expect": [{"level": "info", "text": "runs here"}], "rpc": ["hostile-large"]
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "hostile-large")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $call (local.get 0) (i32.const 800) (i32.const 13) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 136) (i32.const 1088)) (i32.store (i32.const 140) (i32.const 2)) (i32.const 128))
