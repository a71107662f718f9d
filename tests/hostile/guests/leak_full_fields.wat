;; As many sets of headers as it can have, each as full as it may be: the host holds them.
(memory (export "memory") 4)
(func (export "handler") (param i32 i32) (result i32) (local $n i32)
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 60000))
    (loop $on
        (call $append (call $fields) {x-full} (i32.const 65536) (i32.const 60000) (i32.const 8256))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $on))
    unreachable)
