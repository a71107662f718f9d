;; A step that returns nothing.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "handler") (param i32 i32) (result i32) (i32.const 8)))
  (core instance $i (instantiate $m))
  (type $failure' (record
    (field "name" string)
    (field "message" string)
    (field "stack" (option string))
    (field "retryable" bool)))
  (export $failure "failure" (type $failure'))
  (func (export "handler") (param "props" string) (result (result (option string) (error $failure)))
    (canon lift (core func $i "handler") (memory (core memory $i "memory"))
      (realloc (core func $i "realloc")))))
