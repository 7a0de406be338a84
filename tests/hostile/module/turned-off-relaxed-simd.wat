;; Code that no guest needs and that is turned off: SIMD whose results depend on the machine.
;;! "left-out": true, "expect": ["invalid WebAssembly"]
(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))
