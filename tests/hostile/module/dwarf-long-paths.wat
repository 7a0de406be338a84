;; The module's DWARF has a folder with a name of a megabyte, and 600 files in it.
;;! "expect": ["wasm `unreachable` instruction executed", "it starts again"], "answers": {"method": {"error": [-4]}}
(@custom ".debug_abbrev" "\01\11\00\11\01\12\06\1b\08\10\17\00\00\00")
(@custom ".debug_info" "\56\42\0f\00\04\00\00\00\00\00\04\01\00\00\00\00\ff\ff\ff\7f/(;repeat 100000;)xxxxxxxxxx(;end;)\00\00\00\00\00")
(@custom ".debug_line" "\e2\0b\00\00\04\00\cc\0b\00\00\01\01\01\fb\0e\0d\00\01\01\01\01\00\00\00\01\00\00\01\00(;repeat 600;)a\00\00\00\00(;end;)\00\00\05\02\00\00\00\00\01\02\ff\ff\ff\3f\00\01\01")
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (unreachable))
