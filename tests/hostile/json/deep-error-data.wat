;; A method's error with data of 30,000 arrays in each other.
;;! "expect": [{"level": "info", "text": "runs here"}], "answers": {"method": {"error": [-1]}}
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (memory.fill (i32.const 200000) (i32.const 91) (i32.const 30000))
  (memory.fill (i32.const 230000) (i32.const 93) (i32.const 30000))
  (i32.store (i32.const 128) (i32.const 1))
  (i64.store (i32.const 136) (i64.const -1))
  (i32.store (i32.const 144) (i32.const 1088)) (i32.store (i32.const 148) (i32.const 2))
  (i32.store (i32.const 152) (i32.const 1))
  (i32.store (i32.const 156) (i32.const 200000)) (i32.store (i32.const 160) (i32.const 60000))
  (i32.const 128))
(data (i32.const 1088) "no")
