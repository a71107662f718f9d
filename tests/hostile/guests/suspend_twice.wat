;; Suspends with one deadline and then with another: the last one stands.
(func (export "handler") (param i32 i32) (result i32)
    (call $suspend (i32.const 1) (i64.const 1000) (i32.const 8256))
    (call $suspend (i32.const 1) (i64.const 3600000) (i32.const 8256))
    (call $return_nothing))
