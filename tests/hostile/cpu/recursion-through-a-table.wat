;; Two functions with a thousand locals call each other through a table, without end: frames as large as they get.
;;! "expect": ["call stack exhausted", "it starts again"], "answers": {"method": {"error": [-4]}}
(type $t (func (param i64) (result i64)))
(table 2 funcref) (elem (i32.const 0) $f $g)
(func $f (type $t) (;repeat 1000;)(local i64)(;end;)
  (i64.add (call_indirect (type $t) (local.get 0) (i32.const 1)) (local.get 999)))
(func $g (type $t) (i64.add (call_indirect (type $t) (local.get 0) (i32.const 0)) (local.get 0)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.wrap_i64 (call $f (local.get 0))))
