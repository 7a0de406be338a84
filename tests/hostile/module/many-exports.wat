;; Twenty thousand exports of one function.
;;! "left-out": true, "expect": ["export"]
(func $f)
(;repeat 20000;)(export "e%I%" (func $f))(;end;)
