;; A manifest in which a method's usage has what no line has.
;;! "left-out": true, "expect": [""], "variants": {
;;!   "newline": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x7-newline\", \"usage\": \"a\\nb\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "nul": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x3-nul\", \"usage\": \"a\\u0000b\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "escape": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x6-escape\", \"usage\": \"\\u001b[31mred\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "return": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x6-return\", \"usage\": \"a\\rb\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "quote": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x5-quote\", \"usage\": \"a\\\"b\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "backslash": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x9-backslash\", \"usage\": \"a\\\\b\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "blank": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x5-blank\", \"usage\": \"a b\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "empty": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x5-empty\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "slash": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x5-slash\", \"usage\": \"../../etc/passwd\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "overlong": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x8-overlong\", \"usage\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "not-ascii": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x9-not-ascii\", \"usage\": \"na\\u00efve\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "right-to-left": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x13-right-to-left\", \"usage\": \"a\\u202eb\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "emoji": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x5-emoji\", \"usage\": \"\\u26a1\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "percent": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"u-x7-percent\", \"usage\": \"%s%n\", \"description\": \"\"}], \"dynamic\": true}"}
;;! }
(data (i32.const 200000) "%MAN:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const %MAN:length%))
  (i32.const 16))
