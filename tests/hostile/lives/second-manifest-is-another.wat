;; The second life asks for everything in its manifest: what counts is the first.
;;! "expect": ["it starts again"], "rpc": ["getinfo"], "policy": {"on-fault.restart": {"times": 30}}
(import "cln:guest/rpc@0.1.0" "call" (func $call (param i64 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 800) "getinfo")
(data (i32.const 2048) "%MANIFEST:data%")
(data (i32.const 1088) "{}")
(func (export "cln:guest/plugin@0.1.0#run") (unreachable))
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (call $call (i64.const 0) (i32.const 800) (i32.const 7) (i32.const 1088) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
  ;; The node can be asked now: this is not the first life.
  (if (i32.eqz (i32.load8_u (i32.const 512))) (then
    (i32.store (i32.const 16) (i32.const 200000)) (i32.store (i32.const 20) (i32.const 265)) (return (i32.const 16))))
  (i32.store (i32.const 16) (i32.const 2048))
  (i32.store (i32.const 20) (i32.const %MANIFEST:length%))
  (i32.const 16))
(data (i32.const 200000) "\7b\22\6f\70\74\69\6f\6e\73\22\3a\20\5b\7b\22\6e\61\6d\65\22\3a\20\22\61\6c\69\61\73\22\2c\20\22\74\79\70\65\22\3a\20\22\73\74\72\69\6e\67\22\2c\20\22\64\65\73\63\72\69\70\74\69\6f\6e\22\3a\20\22\22\7d\5d\2c\20\22\72\70\63\6d\65\74\68\6f\64\73\22\3a\20\5b\7b\22\6e\61\6d\65\22\3a\20\22\73\74\6f\70\22\2c\20\22\75\73\61\67\65\22\3a\20\22\22\2c\20\22\64\65\73\63\72\69\70\74\69\6f\6e\22\3a\20\22\22\7d\5d\2c\20\22\68\6f\6f\6b\73\22\3a\20\5b\22\64\62\5f\77\72\69\74\65\22\2c\20\22\72\70\63\5f\63\6f\6d\6d\61\6e\64\22\5d\2c\20\22\73\75\62\73\63\72\69\70\74\69\6f\6e\73\22\3a\20\5b\22\2a\22\5d\2c\20\22\6e\6f\74\69\66\69\63\61\74\69\6f\6e\73\22\3a\20\5b\7b\22\6d\65\74\68\6f\64\22\3a\20\22\69\6e\76\6f\69\63\65\5f\70\61\79\6d\65\6e\74\22\7d\5d\2c\20\22\64\79\6e\61\6d\69\63\22\3a\20\66\61\6c\73\65\7d")
