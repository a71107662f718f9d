;; Has a component inside of it suspend, which must not be entered from around it.
(component
    (import "waystation:step/flow@0.1.0" (instance $flow
        (type $links_ (record (field "resume-url" string) (field "cancel-url" string)
            (field "approval-url" string) (field "scheduled" bool)))
        (export "links" (type $links (eq $links_)))
        (type $error_ (variant (case "invalid-argument" string)))
        (export "error" (type $error (eq $error_)))
        (type $option (option u64))
        (type $result (result $links (error $error)))
        (export "suspend" (func (param "timeout-ms" $option) (result $result)))))
    (component $inner
        (import "waystation:step/flow@0.1.0" (instance $flow
            (type $links_ (record (field "resume-url" string) (field "cancel-url" string)
                (field "approval-url" string) (field "scheduled" bool)))
            (export "links" (type $links (eq $links_)))
            (type $error_ (variant (case "invalid-argument" string)))
            (export "error" (type $error (eq $error_)))
            (type $option (option u64))
            (type $result (result $links (error $error)))
            (export "suspend" (func (param "timeout-ms" $option) (result $result)))))
        (core module $libc
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
        (core instance $libc (instantiate $libc))
        (core func $suspend (canon lower (func $flow "suspend")
            (memory (core memory $libc "memory")) (realloc (core func $libc "cabi_realloc"))))
        (core module $main
            (import "flow" "suspend" (func $suspend (param i32 i64 i32)))
            (func (export "go") (call $suspend (i32.const 0) (i64.const 0) (i32.const 512))))
        (core instance $main (instantiate $main
            (with "flow" (instance (export "suspend" (func $suspend))))))
        (func (export "go") (canon lift (core func $main "go"))))
    (instance $inner (instantiate $inner (with "waystation:step/flow@0.1.0" (instance $flow))))
    (core func $go (canon lower (func $inner "go")))
    (core module $libc
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $libc (instantiate $libc))
    (core module $main
        (import "inner" "go" (func $go))
        (func (export "handler") (param i32 i32) (result i32)
            (call $go)
            ;; At 256 there are zeros: success, and no value.
            (i32.const 256)))
    (core instance $main (instantiate $main
        (with "inner" (instance (export "go" (func $go))))))
    (type $failure_ (record (field "name" string) (field "message" string)
        (field "stack" (option string)) (field "retryable" bool)))
    (import "failure" (type $failure (eq $failure_)))
    (type $value (option string))
    (type $answer (result $value (error $failure)))
    (func (export "handler") (param "props" string) (result $answer)
        (canon lift (core func $main "handler")
            (memory (core memory $libc "memory")) (realloc (core func $libc "cabi_realloc")))))
