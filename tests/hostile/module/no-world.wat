;; A module that does not say which world it was built for.
;;! "left-out": true, "bare": true, "expect": ["not a guest of cln:guest"]
(func (export "hello"))
