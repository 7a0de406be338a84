;; A method wants more memory than there is, and traps when it does not get it, as Rust's allocator does.
;;! "expect": ["it wanted more memory than the 16777216 bytes that limits.memory_bytes allows: wasm trap: wasm `unreachable`", "it starts again"], "answers": {"method": {"error": [-4]}}
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then (unreachable)))
  (unreachable))
