;; A guest without a memory, which texts need.
;;! "left-out": true, "expect": ["memory"]
(module
  (func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32) (unreachable))
  (func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32) (unreachable))
  (func (export "cln:guest/plugin@0.1.0#run"))
  (func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "cln:guest/plugin@0.1.0#check") (param i64 i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "cln:guest/plugin@0.1.0#setconfig") (param i64 i32 i32 i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32))
  (func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (unreachable)))
