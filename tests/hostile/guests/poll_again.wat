;; Waits for four hundred timers that never ring and one that has rung, again and again.
(memory (export "memory") 4)
(func (export "handler") (param i32 i32) (result i32) (local $n i32)
    (i32.store (i32.const 65536) (call $subscribe_duration (i64.const 0)))
    (local.set $n (i32.const 1))
    (loop $more
        (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 4)))
            (call $subscribe_duration (i64.const 1000000000000)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $n) (i32.const 400))))
    (loop $on
        (call $poll (i32.const 65536) (i32.const 400) (i32.const 8256))
        (br $on))
    unreachable)
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
