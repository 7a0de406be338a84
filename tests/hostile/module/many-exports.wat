;; Sixty thousand exports of one function.
;;! "left-out": true, "expect": ["export"]
(func $f)
(;repeat 60000;)(export "e%I%" (func $f))(;end;)
