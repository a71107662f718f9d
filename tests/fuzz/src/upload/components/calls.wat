;; A step that calls the host, from another component inside of it.
(component
  (import "waystation:step/flow@0.1.0" (instance $flow (export "withdraw" (func))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-u64" (func (result u64)))))
  (component $inner
    (import "withdraw" (func $withdraw))
    (core func $withdraw (canon lower (func $withdraw)))
    (core module $m
      (import "" "withdraw" (func $withdraw))
      (func (export "twice") (call $withdraw) (call $withdraw)))
    (core instance $i (instantiate $m (with "" (instance (export "withdraw" (func $withdraw))))))
    (func (export "twice") (canon lift (core func $i "twice"))))
  (instance $inner (instantiate $inner (with "withdraw" (func $flow "withdraw"))))
  (core func $twice (canon lower (func $inner "twice")))
  (core func $random (canon lower (func $random "get-random-u64")))
  (core module $m
    (import "" "twice" (func $twice))
    (import "" "random" (func $random (result i64)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "handler") (param i32 i32) (result i32)
      (call $twice) (drop (call $random)) (i32.const 8)))
  (core instance $i (instantiate $m (with "" (instance
    (export "twice" (func $twice)) (export "random" (func $random))))))
  (type $failure' (record
    (field "name" string)
    (field "message" string)
    (field "stack" (option string))
    (field "retryable" bool)))
  (export $failure "failure" (type $failure'))
  (func (export "handler") (param "props" string) (result (result (option string) (error $failure)))
    (canon lift (core func $i "handler") (memory (core memory $i "memory"))
      (realloc (core func $i "realloc")))))
