;; A manifest in which the name of a subscription has what no name has.
;;! "left-out": true, "expect": [""], "variants": {
;;!   "newline": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"a\\nb\"]}"},
;;!   "nul": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"a\\u0000b\"]}"},
;;!   "escape": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"\\u001b[31mred\"]}"},
;;!   "return": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"a\\rb\"]}"},
;;!   "quote": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"a\\\"b\"]}"},
;;!   "backslash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"a\\\\b\"]}"},
;;!   "blank": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"a b\"]}"},
;;!   "empty": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"\"]}"},
;;!   "slash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"../../etc/passwd\"]}"},
;;!   "overlong": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]}"},
;;!   "not-ascii": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"na\\u00efve\"]}"},
;;!   "right-to-left": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"a\\u202eb\"]}"},
;;!   "emoji": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"\\u26a1\"]}"},
;;!   "percent": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"subscriptions\": [\"%s%n\"]}"}
;;! }
(data (i32.const 200000) "%MAN:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const %MAN:length%))
  (i32.const 16))
