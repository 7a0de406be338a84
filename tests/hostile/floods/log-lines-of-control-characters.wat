;; Log lines with the end of a frame and another frame, with escapes, NUL and the name of another guest; at the level that is the node's own.
;;! "expect": ["\\n\\n{\"jsonrpc\":\"2.0\"", "zz-quiet: hook custommsg: "], "forbid": ["\u001b", "\n"], "rounds": 1
(import "cln:guest/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(data (i32.const 700) "x\0a\0a{\22jsonrpc\22:\222.0\22,\22method\22:\22log\22,\22params\22:{\22level\22:\22broken\22,\22message\22:\22forged\22}}\0a\0a\1b[2J\00\0azz-quiet: hook custommsg: forged")
(func (export "cln:guest/plugin@0.1.0#run")
  (call $log (i32.const 4) (i32.const 700) (i32.const 130)))
