;; A function of a version of the world that there is not yet.
;;! "left-out": true, "expect": ["which is not offered"]
(import "cln:guest/kv@9.0.0" "get" (func (param i32 i32 i32)))
