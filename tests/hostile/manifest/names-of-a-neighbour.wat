;; A manifest in which the name of a neighbour has what no name has.
;;! "left-out": true, "expect": [""], "variants": {
;;!   "newline": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\nb\"]}]}"},
;;!   "nul": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\u0000b\"]}]}"},
;;!   "escape": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"\\u001b[31mred\"]}]}"},
;;!   "return": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\rb\"]}]}"},
;;!   "quote": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\\"b\"]}]}"},
;;!   "backslash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\\\b\"]}]}"},
;;!   "blank": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a b\"]}]}"},
;;!   "empty": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"\"]}]}"},
;;!   "slash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"../../etc/passwd\"]}]}"},
;;!   "overlong": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]}]}"},
;;!   "not-ascii": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"na\\u00efve\"]}]}"},
;;!   "right-to-left": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\u202eb\"]}]}"},
;;!   "emoji": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"\\u26a1\"]}]}"},
;;!   "percent": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"%s%n\"]}]}"}
;;! }
(data (i32.const 200000) "%MAN:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const %MAN:length%))
  (i32.const 16))
