;; Sleeps for an hour.
(func (export "handler") (param i32 i32) (result i32)
    (call $block (call $subscribe_duration (i64.const 3600000000000)))
    (call $return_nothing))
