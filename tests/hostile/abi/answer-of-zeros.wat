;; A hook's answer is the empty text at address 0.
;;! "expect": ["hook peer_connected: answered what lightningd would not accept"], "answers": {"hook": {"result": {"result": "continue"}}}
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (i64.store (i32.const 8192) (i64.const 0)) (i64.store (i32.const 8200) (i64.const 0)) (i32.const 8192))
