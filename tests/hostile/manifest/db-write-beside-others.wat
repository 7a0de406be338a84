;; db_write in a process with others.
;;! "left-out": true, "expect": ["db_write"], "manifest": {"hooks": ["db_write"]}
