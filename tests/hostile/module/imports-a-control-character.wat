;; The name of an import has control characters, a new line and the end of a message.
;;! "left-out": true, "expect": ["\\n"], "forbid": ["\n"]
(import "env\0a\0a{\"jsonrpc\":\"2.0\"}\0a\0a" "\1b[2J\00" (func))
