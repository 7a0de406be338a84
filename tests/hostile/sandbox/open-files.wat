;; It looks for folders that were opened for it, and tries to open files through every number up to 100.
;;! "expect": [{"level": "info", "text": "nothing there"}], "forbid": ["found"]
(import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
(data (i32.const 840) "../../../../../etc/passwd")
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 800) "nothing there")
(data (i32.const 820) "found")
(func (export "cln:guest/plugin@0.1.0#run") (local $found i32) (local $n i32)
  (loop
    (if (i32.eqz (call $prestat (local.get $n) (i32.const 512))) (then (local.set $found (i32.const 1))))
    (if (i32.eqz (call $open (local.get $n) (i32.const 0) (i32.const 840) (i32.const 25) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 512)))
      (then (local.set $found (i32.const 1))))
    (if (i32.eqz (call $open (local.get $n) (i32.const 0) (i32.const 854) (i32.const 11) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 512)))
      (then (local.set $found (i32.const 1))))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if 0 (i32.lt_u (local.get $n) (i32.const 100))))
  (if (local.get $found) (then (call $log (i32.const 2) (i32.const 820) (i32.const 5))) (else (call $log (i32.const 2) (i32.const 800) (i32.const 13)))))
