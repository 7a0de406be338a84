;; A manifest of 60,000 objects in each other.
;;! "left-out": true, "expect": ["its manifest: "]
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32) (local $at i32)
  (local.set $at (i32.const 0))
  (loop
    (i32.store (i32.add (i32.const 200000) (local.get $at)) (i32.const 0x7a22227b))
    (i32.store8 (i32.add (i32.const 200003) (local.get $at)) (i32.const 58))
    (local.set $at (i32.add (local.get $at) (i32.const 4)))
    (br_if 0 (i32.lt_u (local.get $at) (i32.const 60000))))
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const 60000))
  (i32.const 16))
