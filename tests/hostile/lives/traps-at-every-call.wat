;; Every call of anything traps, and it always starts again.
;;! "rounds": 20, "expect": ["unreachable", "it starts again"]
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (unreachable))
(func (export "cln:guest/plugin@0.1.0#check") (param i64 i32 i32 i32 i32) (result i32) (unreachable))
(func (export "cln:guest/plugin@0.1.0#setconfig") (param i64 i32 i32 i32 i32 i32 i32) (result i32) (unreachable))
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32) (unreachable))
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32) (unreachable))
