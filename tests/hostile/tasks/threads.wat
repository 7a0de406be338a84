;; It makes threads, which are turned off.
;;! "left-out": true, "expect": [""]
(import "$root" "[thread-index]" (func (result i32)))
(import "$root" "[thread-suspend]" (func (result i32)))
