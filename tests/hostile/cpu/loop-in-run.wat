;; The background task never comes back, in every life.
;;! "expect": ["ms of CPU", "it starts again"]
(func (export "cln:guest/plugin@0.1.0#run") (loop (br 0)))
