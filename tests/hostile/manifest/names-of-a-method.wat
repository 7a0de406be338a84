;; A manifest in which the name of a method has what no name has.
;;! "left-out": true, "expect": [""], "variants": {
;;!   "newline": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"a\\nb\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "nul": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"a\\u0000b\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "escape": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"\\u001b[31mred\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "return": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"a\\rb\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "quote": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"a\\\"b\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "backslash": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"a\\\\b\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "blank": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"a b\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "empty": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "slash": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"../../etc/passwd\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "overlong": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "not-ascii": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"na\\u00efve\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "right-to-left": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"a\\u202eb\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "emoji": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"\\u26a1\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"},
;;!   "percent": {"MAN": "{\"options\": [], \"rpcmethods\": [{\"name\": \"%s%n\", \"usage\": \"\", \"description\": \"\"}], \"dynamic\": true}"}
;;! }
(data (i32.const 200000) "%MAN:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const %MAN:length%))
  (i32.const 16))
