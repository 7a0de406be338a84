;; A hook that there is not: lightningd would kill the plugin.
;;! "left-out": true, "expect": ["no_such_hook"], "manifest": {"hooks": ["no_such_hook"]}
