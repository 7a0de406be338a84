;; A method begins five thousand calls that the node does not answer, waits for none of them, and answers.
;;! "expect": [{"level": "info", "text": "runs here"}], "rpc": ["hostile-wait"], "answers": {"method": {"result": {}}}
(import "cln:guest/rpc@0.1.0" "[async-lower]call" (func $call (param i32 i32) (result i32)))
(data (i32.const 800) "hostile-wait")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (local $n i32)
  (i64.store (i32.const 600) (local.get 0))
  (i32.store (i32.const 608) (i32.const 800)) (i32.store (i32.const 612) (i32.const 12))
  (i32.store (i32.const 616) (i32.const 1088)) (i32.store (i32.const 620) (i32.const 2))
  (i32.store (i32.const 624) (i32.const 0))
  (local.set $n (i32.const 5000))
  (loop
    (drop (call $call (i32.const 600) (i32.const 512)))
    (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 136) (i32.const 1088)) (i32.store (i32.const 140) (i32.const 2)) (i32.const 128))
