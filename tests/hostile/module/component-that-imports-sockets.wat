;; A component that imports a host's file system by a name of its own.
;;! "left-out": true, "expect": ["which is not offered"]
(component (import "wasi:http/outgoing-handler@0.2.0" (instance)))
