;; Makes sockets, of which the host has a bounded number, until it is refused.
(func (export "handler") (param i32 i32) (result i32) (local $n i32)
    (loop $on
        (call $create_tcp_socket (i32.const 0) (i32.const 8256))
        (call $create_udp_socket (i32.const 1) (i32.const 8264))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 1000))))
    ;; The second answer's first byte: 1 says that there was no socket.
    (if (result i32) (i32.and (i32.load8_u (i32.const 8256)) (i32.load8_u (i32.const 8264)))
        (then (call $return {"no sockets"}))
        (else (call $return {"sockets"}))))
