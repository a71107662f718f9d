;; Runs again after a millisecond, four thousand million times.
(func (export "handler") (param i32 i32) (result i32)
    (call $rerun (i64.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const -1) (i32.const 8256))
    (call $return_nothing))
