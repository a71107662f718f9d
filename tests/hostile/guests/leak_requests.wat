;; Makes requests, sends none and drops none.
(func (export "handler") (param i32 i32) (result i32)
    (loop $on (drop (call $request (call $fields))) (br $on))
    unreachable)
