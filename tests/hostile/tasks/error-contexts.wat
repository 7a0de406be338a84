;; It makes error contexts, which are turned off and would be in the bridge's memory.
;;! "left-out": true, "expect": ["cannot be compiled"]
(import "$root" "[error-context-new-utf8]" (func (param i32 i32) (result i32)))
