;; The module's DWARF says that the function that traps was inlined into itself 20000 times.
;;! "expect": ["wasm `unreachable` instruction executed", "it starts again"], "answers": {"method": {"error": [-4]}}
(@custom ".debug_abbrev" "\01\11\01\11\01\12\06\00\00\02\2e\01\11\01\12\06\00\00\03\1d\01\00\00\00")
(@custom ".debug_info" "\5b\9c\00\00\04\00\00\00\00\00\04\01\00\00\00\00\ff\ff\ff\7f\02\00\00\00\00\ff\ff\ff\7f(;repeat 20000;)\03(;end;)(;repeat 20002;)\00(;end;)")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (unreachable))
