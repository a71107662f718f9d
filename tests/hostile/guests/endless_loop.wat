;; Never returns.
(func (export "handler") (param i32 i32) (result i32)
    (loop $on (br $on))
    unreachable)
