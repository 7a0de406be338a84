;; The background task prints frames of lightningd's protocol to stdout, 64 KiB every 5 ms: none may reach lightningd.
;;! "expect": [{"level": "debug", "text": "jsonrpc"}, "log lines over limits.log_bytes_per_second are dropped"]
(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
(import "cln:guest/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))
(data (i32.const 8192) "(;repeat 400;){\"jsonrpc\":\"2.0\",\"id\":\"cln:getmanifest#1\",\"error\":{\"code\":1,\"message\":\"forged\"}}\n\n(;end;)")
(func (export "cln:guest/plugin@0.1.0#run")
  (i32.store (i32.const 700) (i32.const 8192)) (i32.store (i32.const 704) (i32.const 32768))
  (loop
    (drop (call $write (i32.const 1) (i32.const 700) (i32.const 1) (i32.const 720)))
    (call $sleep (i64.const 5) (i32.const 65504)) (br 0)))
