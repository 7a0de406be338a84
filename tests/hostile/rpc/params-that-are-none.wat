;; Params that would end the request and begin another: if they went out as they are, the node would stop.
;;! "expect": [{"level": "info", "text": "malformed"}], "forbid": ["accepted"], "rpc": ["getinfo"], "answers": {"method": {"result": {}}}, "variants": {
;;!   "frame": {"PARAMS": "[]}\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\",\"params\":[]"}, "member": {"PARAMS": "[],\"method\":\"stop\""},
;;!   "text": {"PARAMS": "\"stop\""}, "number": {"PARAMS": "1"}, "nothing": {"PARAMS": ""}, "cut-off": {"PARAMS": "{\"a\":"}, "raw-newline": {"PARAMS": "[\"\n\n\"]"}
;;! }
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 200000) "%PARAMS:data%")
(data (i32.const 800) "getinfo")
(data (i32.const 820) "malformed")
(data (i32.const 840) "accepted")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $call (local.get 0) (i32.const 800) (i32.const 7) (i32.const 200000) (i32.const %PARAMS:length%)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  ;; An error, and of its kinds the last: malformed.
  (if (i32.and (i32.eq (i32.load8_u (i32.const 512)) (i32.const 1)) (i32.eq (i32.load8_u (i32.const 520)) (i32.const 5)))
    (then (call $log (i32.const 2) (i32.const 820) (i32.const 9)))
    (else (call $log (i32.const 2) (i32.const 840) (i32.const 8))))
  (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 136) (i32.const 1088)) (i32.store (i32.const 140) (i32.const 2)) (i32.const 128))
