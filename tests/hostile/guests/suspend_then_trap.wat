;; Suspends, and then falls over: what was asked for is dropped.
(func (export "handler") (param i32 i32) (result i32)
    (call $suspend (i32.const 0) (i64.const 0) (i32.const 8256))
    unreachable)
