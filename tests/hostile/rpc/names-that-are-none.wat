;; Calls of methods whose names have a path, a new line, the end of a JSON string, a NUL, nothing, and 100 KB.
;;! "expect": ["denied: RPC call "], "rpc": ["getinfo"], "answers": {"method": {"result": {}}}, "variants": {
;;!   "path": {"METHOD": "../../../etc/passwd"}, "newline": {"METHOD": "getinfo\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\",\"params\":[]}"},
;;!   "quote": {"METHOD": "getinfo\",\"params\":[],\"method\":\"stop"}, "nul": {"METHOD": "getinfo\u0000"}, "empty": {"METHOD": ""},
;;!   "alike": {"METHOD": "getinfо"}, "blank": {"METHOD": "getinfo "}, "upper": {"METHOD": "GETINFO"}
;;! }
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 200000) "%METHOD:data%")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call $call (local.get 0) (i32.const 200000) (i32.const %METHOD:length%) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 136) (i32.const 1088)) (i32.store (i32.const 140) (i32.const 2)) (i32.const 128))
