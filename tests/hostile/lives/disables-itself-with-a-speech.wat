;; It disables itself in init, with a reason of 60 KB that has new lines.
;;! "expect": [{"level": "info", "text": "disabled itself: \\n"}], "forbid": ["\n"], "answers": {"method": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32)
  (memory.fill (i32.const 200000) (i32.const 10) (i32.const 60000))
  (i32.store (i32.const 64) (i32.const 1))
  (i32.store (i32.const 68) (i32.const 200000))
  (i32.store (i32.const 72) (i32.const 60000))
  (i32.const 64))
