;; A thousand requests at once to the service that its props name, and no look at an answer.
(func (export "handler") (param $props i32) (param $props_len i32) (result i32)
    (local $n i32) (local $request i32)
    (loop $on
        (local.set $request (call $request (call $fields)))
        (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        ;; The props are one field, named "to": without the seven bytes before it and the two after it.
        (drop (call $set_authority (local.get $request) (i32.const 1)
            (i32.add (local.get $props) (i32.const 7))
            (i32.sub (local.get $props_len) (i32.const 9))))
        (drop (call $set_path (local.get $request) (i32.const 1) {/}))
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 8256))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 990))))
    (call $block (call $subscribe_duration (i64.const 3600000000000)))
    (call $return_nothing))
