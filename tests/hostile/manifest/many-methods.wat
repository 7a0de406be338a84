;; Ten thousand methods.
;;! "left-out": true, "policy": {"limits": {"answer_bytes": "2048 KiB"}}, "expect": ["rpcmethods"], "manifest": {"rpcmethods": []}
(data (i32.const 200000) "{\"options\":[],\"rpcmethods\":[(;repeat 9999;){\"name\":\"m%I%\",\"usage\":\"\",\"description\":\"\"},(;end;){\"name\":\"last\",\"usage\":\"\",\"description\":\"\"}]}")
(func (export "cln:guest/plugin@0.1.0#getmanifest") (param i32 i32) (result i32)
  (i32.store (i32.const 16) (i32.const 200000))
  (i32.store (i32.const 20) (i32.const 448918))
  (i32.const 16))
