;; `handler` is a function of another type, which a message has to show.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "handler") (param i32 i32) (result i32) (i32.const 8)))
  (core instance $i (instantiate $m))
  (type $a' (record (field "x" u8) (field "y" (list string))))
  (export $a "a" (type $a'))
  (type $b' (record (field "x" $a) (field "y" $a) (field "z" $a)))
  (export $b "b" (type $b'))
  (func (export "handler") (param "p" string) (result (result $b (error $b)))
    (canon lift (core func $i "handler") (memory (core memory $i "memory"))
      (realloc (core func $i "realloc")))))
