;; Puts 100 000 fields into one set of headers.
(func (export "handler") (param i32 i32) (result i32) (local $n i32) (local $fields i32)
    (local.set $fields (call $fields))
    (loop $on
        (call $append (local.get $fields) {x-many} {a value} (i32.const 8256))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 100000))))
    (call $return_nothing))
