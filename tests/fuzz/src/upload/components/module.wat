;; No component.
(module (memory 1) (func (export "handler") (param i32) (result i32) (local.get 0)))
