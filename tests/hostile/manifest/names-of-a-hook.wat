;; A manifest in which the name of a hook has what no name has.
;;! "left-out": true, "expect": [""], "variants": {
;;!   "newline": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"a\\nb\"}]}"},
;;!   "nul": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"a\\u0000b\"}]}"},
;;!   "escape": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"\\u001b[31mred\"}]}"},
;;!   "return": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"a\\rb\"}]}"},
;;!   "quote": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"a\\\"b\"}]}"},
;;!   "backslash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"a\\\\b\"}]}"},
;;!   "blank": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"a b\"}]}"},
;;!   "empty": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"\"}]}"},
;;!   "slash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"../../etc/passwd\"}]}"},
;;!   "overlong": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]}"},
;;!   "not-ascii": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"na\\u00efve\"}]}"},
;;!   "right-to-left": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"a\\u202eb\"}]}"},
;;!   "emoji": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"\\u26a1\"}]}"},
;;!   "percent": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"%s%n\"}]}"}
;;! }
(data (i32.const 200000) "%MAN:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const %MAN:length%))
  (i32.const 16))
