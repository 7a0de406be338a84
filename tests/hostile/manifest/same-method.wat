;; Two guests with one method: the later one is left out.
;;! "expect": [{"level": "%LEVEL%", "text": "%TEXT%"}], "manifest": {"rpcmethods": [{"name": "contested", "usage": "", "description": ""}]}, "variants": {
;;!   "1": {"LEVEL": "info", "TEXT": "runs here"},
;;!   "2": {"LEVEL": "unusual", "TEXT": "method contested is already guest same-method-1's"}
;;! }
