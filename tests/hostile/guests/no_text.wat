;; Prints a MiB of bytes that are no UTF-8: each becomes a character of three bytes.
(memory (export "memory") 4)
(func (export "handler") (param i32 i32) (result i32) (local $out i32) (local $n i32)
    (memory.fill (i32.const 65536) (i32.const 255) (i32.const 65536))
    (local.set $out (call $get_stdout))
    (loop $on
        (call $write (local.get $out) (i32.const 65536) (i32.const 4096) (i32.const 8256))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 256))))
    (call $return_nothing))
