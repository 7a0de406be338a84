;; It imports what it exports: the plugin's own interface.
;;! "left-out": true, "expect": ["which is not offered"]
(import "cln:guest/plugin@0.1.0" "hook" (func (param i64 i32 i32 i32 i32 i32)))
