;; Hooks that are numbers.
;;! "left-out": true, "expect": ["its manifest"], "manifest": {"hooks": [1, 2, 3]}
