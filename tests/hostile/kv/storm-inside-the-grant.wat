;; The background task writes without end, one value after the other: each is a wait for the disk.
;;! "kv": true, "expect": [{"level": "info", "text": "writes"}], "policy": {"limits": {"kv_bytes": "64 KiB"}}
(import "cln:guest/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "key")
(data (i32.const 810) "writes")
(func (export "cln:guest/plugin@0.1.0#run")
  (call $log (i32.const 2) (i32.const 810) (i32.const 6))
  (loop (call $set (i32.const 800) (i32.const 3) (i32.const 800) (i32.const 6) (i32.const 512)) (br 0)))
