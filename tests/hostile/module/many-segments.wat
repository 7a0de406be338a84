;; More data segments than a guest may have.
;;! "left-out": true, "expect": ["segments"]
(;repeat 100100;)(data "")(;end;)
