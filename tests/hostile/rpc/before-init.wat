;; A call to the node from getmanifest, when there is no node to call yet, and nothing that was asked for.
;;! "expect": ["denied: RPC call", {"level": "info", "text": "runs here"}], "rpc": ["getinfo"]
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "getinfo")
(data (i32.const 2048) "%MANIFEST:data%")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (call $call (i64.const 0) (i32.const 800) (i32.const 7) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  ;; Denied, or the end.
  (if (i32.ne (i32.load8_u (i32.const 520)) (i32.const 1)) (then (unreachable)))
  (i32.store (i32.const 16) (i32.const 2048))
  (i32.store (i32.const 20) (i32.const %MANIFEST:length%))
  (i32.const 16))
