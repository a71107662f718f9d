;; It imports what the host has not, and exports no handler.
(component
  (import "somewhere:else/magic@1.0.0" (instance (export "cast" (func))))
  (import "a" (type (sub resource)))
  (core module (memory 1))
  (component (component (core module))))
