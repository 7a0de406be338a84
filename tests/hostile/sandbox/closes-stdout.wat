;; It closes its stdin, stdout and stderr, and those of whoever else has a number below 100.
;;! "expect": [{"level": "info", "text": "runs here"}], "answers": {"method": {"result": {}}}
(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
(func (export "cln:guest/plugin@0.1.0#run") (local $n i32)
  (loop (drop (call $close (local.get $n)))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if 0 (i32.lt_u (local.get $n) (i32.const 100)))))
