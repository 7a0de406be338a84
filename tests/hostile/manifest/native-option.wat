;; An option with the name of lightningd's own: lightningd would not start.
;;! "left-out": true, "expect": ["alias"], "manifest": {"options": [{"name": "alias", "type": "string", "description": ""}]}
