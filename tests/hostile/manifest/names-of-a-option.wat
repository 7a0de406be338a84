;; A manifest in which the name of a option has what no name has.
;;! "left-out": true, "expect": [""], "variants": {
;;!   "newline": {"MAN": "{\"options\": [{\"name\": \"a\\nb\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "nul": {"MAN": "{\"options\": [{\"name\": \"a\\u0000b\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "escape": {"MAN": "{\"options\": [{\"name\": \"\\u001b[31mred\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "return": {"MAN": "{\"options\": [{\"name\": \"a\\rb\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "quote": {"MAN": "{\"options\": [{\"name\": \"a\\\"b\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "backslash": {"MAN": "{\"options\": [{\"name\": \"a\\\\b\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "blank": {"MAN": "{\"options\": [{\"name\": \"a b\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "empty": {"MAN": "{\"options\": [{\"name\": \"\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "slash": {"MAN": "{\"options\": [{\"name\": \"../../etc/passwd\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "overlong": {"MAN": "{\"options\": [{\"name\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "not-ascii": {"MAN": "{\"options\": [{\"name\": \"na\\u00efve\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "right-to-left": {"MAN": "{\"options\": [{\"name\": \"a\\u202eb\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "emoji": {"MAN": "{\"options\": [{\"name\": \"\\u26a1\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"},
;;!   "percent": {"MAN": "{\"options\": [{\"name\": \"%s%n\", \"type\": \"string\", \"description\": \"\"}], \"rpcmethods\": [], \"dynamic\": true}"}
;;! }
(data (i32.const 200000) "%MAN:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const %MAN:length%))
  (i32.const 16))
