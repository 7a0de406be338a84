;; The background task prints to stderr without ever ending a line.
;;! "expect": [{"level": "debug", "text": "aaaaaaaa"}, "log lines over limits.log_bytes_per_second are dropped"]
(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(func (export "cln:guest/plugin@0.1.0#run")
  (memory.fill (i32.const 200000) (i32.const 97) (i32.const 1000000))
  (i32.store (i32.const 700) (i32.const 200000)) (i32.store (i32.const 704) (i32.const 1000000))
  (loop
    (drop (call $write (i32.const 2) (i32.const 700) (i32.const 1) (i32.const 720)))
    (call $sleep (i64.const 5) (i32.const 65504)) (br 0)))
