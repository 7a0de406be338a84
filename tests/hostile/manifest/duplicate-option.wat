;; The same option twice.
;;! "left-out": true, "expect": ["twice"], "manifest": {"options": [{"name": "twice", "type": "string", "description": ""}, {"name": "twice", "type": "string", "description": ""}]}
