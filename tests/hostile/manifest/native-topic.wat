;; A topic of lightningd's own: it could tell other plugins what never happened.
;;! "left-out": true, "expect": ["invoice_payment"], "manifest": {"notifications": [{"method": "invoice_payment"}]}
