;; A guest that may have 2 GiB of memory answers with 1 GiB of it.
;;! "expect": ["fuel allocated for hostcalls has been exhausted", "it starts again"], "answers": {"hook": {"result": {"result": "continue"}}}, "policy": {"limits": {"memory_bytes": "2048 MiB"}}
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (drop (memory.grow (i32.const 16400)))
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const 131072))
  (i32.store (i32.const 328) (i32.const 1073741824))
  (i32.const 320))
