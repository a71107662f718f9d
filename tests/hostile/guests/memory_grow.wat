;; Grows until it is told no, touches each page on the way, and then gives up.
(func (export "handler") (param i32 i32) (result i32) (local $page i32)
    (loop $on
        (local.set $page (memory.grow (i32.const 1)))
        (if (i32.ge_s (local.get $page) (i32.const 0))
            (then
                (i32.store (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
                (i32.store (i32.add (i32.mul (local.get $page) (i32.const 65536)) (i32.const 4096)) (i32.const 1))
                (i32.store (i32.add (i32.mul (local.get $page) (i32.const 65536)) (i32.const 8192)) (i32.const 1))
                (memory.fill (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1) (i32.const 65536))
                (br $on))))
    unreachable)
