;; Fills 60 MiB again and again. A fill is one instruction, and nothing stops it in the middle.
(memory (export "memory") 960)
(func (export "handler") (param i32 i32) (result i32)
    (loop $on
        (memory.fill (i32.const 1048576) (i32.const 165) (i32.const 61800000))
        (br $on))
    unreachable)
