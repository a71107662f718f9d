;; Waits for a million things at once, each of them the same timer.
(memory (export "memory") 80)
(func (export "handler") (param i32 i32) (result i32) (local $n i32) (local $timer i32)
    (local.set $timer (call $subscribe_duration (i64.const 1000000)))
    (loop $on
        (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 4))) (local.get $timer))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 1000000))))
    (call $poll (i32.const 65536) (i32.const 1000000) (i32.const 8256))
    (call $return_nothing))
