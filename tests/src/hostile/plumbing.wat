;; A guest that behaves: its manifest, `{}` from its method, `continue` from its hook, nothing from the rest. Every
;; export is lifted without `async`. What it has no use for (the parameters) it writes over and over from 128 KiB on.
;;
;; 16 result of getmanifest, 64 init, 128 method, 192 check, 256 setconfig, 320 hook; 1024 texts; 2048 the manifest.

;;= memory
(memory (export "memory") 40)

;;= cabi_realloc
(global $heap (mut i32) (i32.const 131072))
(func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
  (if (i32.gt_u (i32.add (local.get $at) (local.get $size)) (i32.const 2621440))
    (then (local.set $at (i32.const 131072))))
  (global.set $heap (i32.add (local.get $at) (local.get $size)))
  (local.get $at))

;;= cln:guest/plugin@0.1.0#getmanifest
(data (i32.const 2048) "%MANIFEST:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 2048))
  (i32.store (i32.const 20) (i32.const %MANIFEST:length%))
  (i32.const 16))

;;= cln:guest/plugin@0.1.0#init
(func (export "cln:guest/plugin@0.1.0#init") (param i32 i32) (result i32)
  (i32.store (i32.const 64) (i32.const 0))
  (i32.const 64))

;;= cln:guest/plugin@0.1.0#run
(func (export "cln:guest/plugin@0.1.0#run"))

;;= cln:guest/plugin@0.1.0#method
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 128) (i32.const 0))
  (i32.store (i32.const 136) (i32.const 1088))
  (i32.store (i32.const 140) (i32.const 2))
  (i32.const 128))

;;= cln:guest/plugin@0.1.0#check
(func (export "cln:guest/plugin@0.1.0#check") (param i64 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 192) (i32.const 0))
  (i32.const 192))

;;= cln:guest/plugin@0.1.0#setconfig
(func (export "cln:guest/plugin@0.1.0#setconfig") (param i64 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 256) (i32.const 0))
  (i32.const 256))

;;= cln:guest/plugin@0.1.0#notification
(func (export "cln:guest/plugin@0.1.0#notification") (param i32 i32 i32 i32 i32 i32 i32))

;;= cln:guest/plugin@0.1.0#hook
(data (i32.const 1024) "{\"result\":\"continue\"}")
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const 1024))
  (i32.store (i32.const 328) (i32.const 21))
  (i32.const 320))

;;= texts that are none
(data (i32.const 1536) "{\"result\":\"\ff\"}")
(data (i32.const 1568) "{\"a\":\"\e2")
(data (i32.const 1600) "\"\ed\a0\80\"")
