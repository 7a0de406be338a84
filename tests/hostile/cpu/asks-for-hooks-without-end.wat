;; A hook asks for the next one without end, with an answer that is not taken as long as there is none.
;;! "expect": ["ms of CPU", "it starts again"]
(import "cln:guest/hooks@0.1.0" "next" (func $next (param i32 i32 i32 i32)))
(data (i32.const 1088) "{\"result\":\"fail\"}")
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (loop (call $next (i32.const 0) (i32.const 1088) (i32.const 17) (i32.const 512)) (br 0)) (unreachable))
