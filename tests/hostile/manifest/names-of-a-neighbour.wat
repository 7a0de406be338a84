;; A guest that is to come before plugins whose names have what names have not: a plugin's name is that of its file.
;;! "expect": [{"level": "%LEVEL%", "text": "%TEXT%"}], "rounds": 1, "variants": {
;;!   "newline": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\nb\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "nul": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\u0000b\"]}]}", "LEVEL": "unusual", "TEXT": "left out: its manifest"},
;;!   "escape": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"\\u001b[31mred\"]}]}", "LEVEL": "unusual", "TEXT": "left out: its manifest"},
;;!   "return": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\rb\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "quote": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\\"b\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "backslash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\\\b\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "blank": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a b\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "empty": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"\"]}]}", "LEVEL": "unusual", "TEXT": "left out: its manifest"},
;;!   "slash": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"../../etc/passwd\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "overlong": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "not-ascii": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"na\\u00efve\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "right-to-left": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"a\\u202eb\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "emoji": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"\\u26a1\"]}]}", "LEVEL": "info", "TEXT": "runs here"},
;;!   "percent": {"MAN": "{\"options\": [], \"rpcmethods\": [], \"dynamic\": true, \"hooks\": [{\"name\": \"peer_connected\", \"before\": [\"%s%n\"]}]}", "LEVEL": "info", "TEXT": "runs here"}
;;! }
(data (i32.const 200000) "%MAN:data%")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const %MAN:length%))
  (i32.const 16))
