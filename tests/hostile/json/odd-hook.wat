;; A hook answers with what is no JSON, or hardly: duplicate keys, numbers out of range, a frame of its own.
;;! "expect": [{"level": "info", "text": "runs here"}], "rounds": 1, "variants": {
;;!   "the-same-key-twice": {"TEXT": "{\"result\":\"disconnect\",\"result\":\"continue\"}"},
;;!   "the-same-key-escaped": {"TEXT": "{\"result\":\"continue\",\"\\u0072esult\":\"disconnect\"}"},
;;!   "a-lone-surrogate": {"TEXT": "{\"result\":\"\\ud800\"}"},
;;!   "nan": {"TEXT": "{\"result\":NaN}"},
;;!   "infinity": {"TEXT": "{\"result\":-Infinity}"},
;;!   "a-huge-number": {"TEXT": "{\"result\":9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999}"},
;;!   "a-huge-exponent": {"TEXT": "{\"result\":1e999999999}"},
;;!   "a-nul": {"TEXT": "{\"result\":\"\\u0000\"}"},
;;!   "a-raw-control-character": {"TEXT": "{\"result\":\"a\nb\"}"},
;;!   "two-values": {"TEXT": "{\"result\":\"continue\"}{\"result\":\"continue\"}"},
;;!   "a-frame-of-its-own": {"TEXT": "{\"result\":\"continue\"}\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"},
;;!   "a-comment": {"TEXT": "{\"result\":\"continue\"/*x*/}"},
;;!   "a-byte-order-mark": {"TEXT": "\ufeff{\"result\":\"continue\"}"},
;;!   "cut-off": {"TEXT": "{\"result\":\"contin"},
;;!   "blanks": {"TEXT": "   \n\t "}
;;! }
(data (i32.const 200000) "%TEXT:data%")
(func (export "cln:guest/plugin@0.1.0#hook") (param i64 i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 320) (i32.const 0))
  (i32.store (i32.const 324) (i32.const 200000))
  (i32.store (i32.const 328) (i32.const %TEXT:length%))
  (i32.const 320))
