;; The smallest step: it imports nothing and returns nothing. Bombs are hung on it.
(component
    (core module $libc
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $libc (instantiate $libc))
    (core module $main
        (func (export "handler") (param i32 i32) (result i32) (i32.const 256)))
    (core instance $main (instantiate $main))
    (type $failure_ (record (field "name" string) (field "message" string)
        (field "stack" (option string)) (field "retryable" bool)))
    (import "failure" (type $failure (eq $failure_)))
    (type $value (option string))
    (type $answer (result $value (error $failure)))
    (func (export "handler") (param "props" string) (result $answer)
        (canon lift (core func $main "handler")
            (memory (core memory $libc "memory")) (realloc (core func $libc "cabi_realloc")))))
