;; The same with all brackets closed, inside a member that nobody reads: it is JSON.
;;! "expect": ["hook peer_connected: answered what lightningd would not accept: more than 100 levels"], "answers": {"hook": {"result": {"result": "continue"}}}
(data (i32.const 199980) "{\"result\":\"continue\",\"x\":")
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (memory.fill (i32.const 200005) (i32.const 91) (i32.const 30000))
  (memory.fill (i32.const 230005) (i32.const 93) (i32.const 30000))
  (i32.store8 (i32.const 260005) (i32.const 125))
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const 199980))
  (i32.store (i32.const 328) (i32.const 60026))
  (i32.const 320))
