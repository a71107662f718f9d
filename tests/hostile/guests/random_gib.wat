;; Asks for a GiB of random numbers in one call.
(func (export "handler") (param i32 i32) (result i32)
    (call $random (i64.const 1073741824) (i32.const 8256))
    (call $return_nothing))
