;; It looks for arguments and for the node's environment.
;;! "expect": [{"level": "info", "text": "nothing there"}], "forbid": ["found"]
(import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "nothing there")
(data (i32.const 820) "found")
(func (export "cln:guest/plugin@0.1.0#run") (local $found i32) (local $n i32)
  (drop (call $args (i32.const 512) (i32.const 516))) (drop (call $environ (i32.const 520) (i32.const 524)))
  (local.set $found (i32.or (i32.load (i32.const 512)) (i32.load (i32.const 520))))
  (if (local.get $found) (then (call $log (i32.const 2) (i32.const 820) (i32.const 5))) (else (call $log (i32.const 2) (i32.const 800) (i32.const 13)))))
