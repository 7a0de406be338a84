;; A method's result of 30,000 arrays in each other, which is JSON: lightningd would check it until its stack ends.
;;! "expect": [{"level": "info", "text": "runs here"}], "answers": {"method": {"error": [-3]}}
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (memory.fill (i32.const 200000) (i32.const 91) (i32.const 30000))
  (memory.fill (i32.const 230000) (i32.const 93) (i32.const 30000))
  (i32.store (i32.const 128) (i32.const 0))
  (i32.store (i32.const 136) (i32.const 200000))
  (i32.store (i32.const 140) (i32.const 60000))
  (i32.const 128))
