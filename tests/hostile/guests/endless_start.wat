;; Never gets as far as its handler: the module's start function does not return.
(func $spin (loop $on (br $on)))
(start $spin)
(func (export "handler") (param i32 i32) (result i32)
    (call $return_nothing))
