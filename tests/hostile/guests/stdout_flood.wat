;; Prints lines without an end.
(memory (export "memory") 4)
(func (export "handler") (param i32 i32) (result i32) (local $out i32)
    (memory.fill (i32.const 65536) (i32.const 10) (i32.const 65536))
    (local.set $out (call $get_stdout))
    (loop $on
        (call $write (local.get $out) (i32.const 65536) (i32.const 4096) (i32.const 8256))
        (br $on))
    unreachable)
