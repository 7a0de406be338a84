;; It reads from and writes to sockets under every number up to 100: WASI's adapter has none, and traps.
;;! "expect": ["it starts again"], "forbid": ["found"]
(import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "sock_shutdown" (func $shutdown (param i32 i32) (result i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "nothing there")
(data (i32.const 820) "found")
(func (export "cln:guest/plugin@0.1.0#run") (local $found i32) (local $n i32)
  (i32.store (i32.const 600) (i32.const 200000)) (i32.store (i32.const 604) (i32.const 10))
  (loop
    (if (i32.eqz (call $recv (local.get $n) (i32.const 600) (i32.const 1) (i32.const 0) (i32.const 512) (i32.const 516)))
      (then (local.set $found (i32.const 1))))
    (if (i32.eqz (call $send (local.get $n) (i32.const 600) (i32.const 1) (i32.const 0) (i32.const 512)))
      (then (local.set $found (i32.const 1))))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if 0 (i32.lt_u (local.get $n) (i32.const 100))))
  (if (local.get $found) (then (call $log (i32.const 2) (i32.const 820) (i32.const 5))) (else (call $log (i32.const 2) (i32.const 800) (i32.const 13)))))
