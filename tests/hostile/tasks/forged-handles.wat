;; Handles that the guest was never given, dropped, joined, polled and cancelled.
;;! "expect": ["it starts again"], "answers": {"method": {"error": [-4]}}, "variants": {
;;!   "drop-subtask": {"DO": "(call $drop (i32.const 77))"}, "drop-set": {"DO": "(call $drop-set (i32.const 77))"},
;;!   "join": {"DO": "(call $join (i32.const 77) (i32.const 78))"}, "poll": {"DO": "(drop (call $poll (i32.const 77) (i32.const 512)))"},
;;!   "cancel": {"DO": "(drop (call $cancel (i32.const 77)))"}, "twice": {"DO": "(local.set $n (call $set)) (call $drop-set (local.get $n)) (call $drop-set (local.get $n))"},
;;!   "poll-out-of-bounds": {"DO": "(drop (call $poll (call $set) (i32.const -4)))"}, "last-handle": {"DO": "(call $drop (i32.const -1))"},
;;!   "no-handle": {"DO": "(call $drop (i32.const 0))"}, "a-set-as-subtask": {"DO": "(call $drop (call $set))"}
;;! }
(import "$root" "[waitable-set-new]" (func $set (result i32)))
(import "$root" "[waitable-set-poll]" (func $poll (param i32 i32) (result i32)))
(import "$root" "[waitable-set-drop]" (func $drop-set (param i32)))
(import "$root" "[waitable-join]" (func $join (param i32 i32)))
(import "$root" "[subtask-drop]" (func $drop (param i32)))
(import "$root" "[subtask-cancel]" (func $cancel (param i32) (result i32)))
(func (export "cln:guest/plugin@0.1.0#method") (param i64 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (local $n i32) %DO% (unreachable))
