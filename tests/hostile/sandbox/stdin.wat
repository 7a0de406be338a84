;; It reads stdin, on which lightningd talks to the bridge.
;;! "expect": [{"level": "info", "text": "nothing there"}], "forbid": ["found"]
(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "nothing there")
(data (i32.const 820) "found")
(func (export "cln:guest/plugin@0.1.0#run") (local $found i32) (local $n i32)
  (i32.store (i32.const 512) (i32.const 200000)) (i32.store (i32.const 516) (i32.const 1000))
  (drop (call $read (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 528)))
  (local.set $found (i32.load (i32.const 528)))
  (if (local.get $found) (then (call $log (i32.const 2) (i32.const 820) (i32.const 5))) (else (call $log (i32.const 2) (i32.const 800) (i32.const 13)))))
