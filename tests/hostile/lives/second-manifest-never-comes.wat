;; The second life's getmanifest never ends.
;;! "expect": ["ms of CPU", "quarantined"], "rpc": ["getinfo"], "policy": {"on-fault.restart": {"times": 3}}
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "getinfo")
(data (i32.const 2048) "%MANIFEST:data%")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#run") (unreachable))
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (call $call (i64.const 0) (i32.const 800) (i32.const 7) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  ;; The node can be asked now: this is not the first life.
  (if (i32.eqz (i32.load8_u (i32.const 512))) (then (loop (br 0))))
  (i32.store (i32.const 16) (i32.const 2048))
  (i32.store (i32.const 20) (i32.const %MANIFEST:length%))
  (i32.const 16))
