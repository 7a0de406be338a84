;; A hook answers with 60,000 brackets in each other: a parser that recurses falls over.
;;! "expect": ["hook peer_connected: answered what lightningd would not accept"], "answers": {"hook": {"result": {"result": "continue"}}}
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (memory.fill (i32.const 200000) (i32.const 91) (i32.const 60000))
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const 200000))
  (i32.store (i32.const 328) (i32.const 60000))
  (i32.const 320))
