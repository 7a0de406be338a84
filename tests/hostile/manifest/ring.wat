;; Three guests, each of which must come before the next, and the last before the first: the last is left out.
;;! "expect": [{"level": "%LEVEL%", "text": "%TEXT%"}], "manifest": {"hooks": [{"name": "peer_connected", "before": ["%NEXT%"]}]}, "variants": {
;;!   "1": {"NEXT": "ring-2", "LEVEL": "info", "TEXT": "runs here"},
;;!   "2": {"NEXT": "ring-3", "LEVEL": "info", "TEXT": "runs here"},
;;!   "3": {"NEXT": "ring-1", "LEVEL": "unusual", "TEXT": "ring"}
;;! }
