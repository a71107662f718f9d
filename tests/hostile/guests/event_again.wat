;; Has the host copy the event, half a MiB, again and again.
(memory (export "memory") 32)
(func (export "handler") (param i32 i32) (result i32)
    (loop $on
        (call $get_event (i32.const 8256))
        (br $on))
    unreachable)
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
