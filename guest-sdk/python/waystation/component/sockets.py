"""A step has no sockets: say so, instead of what the C library makes of it."""

from __future__ import annotations

import socket
from typing import Any, NoReturn


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise OSError("a step has no sockets: use HTTP (requests, urllib), which the host carries out")


def close() -> None:
    """Closes the way to sockets. Before the step is imported: a handle that is opened
    while the component is built is frozen into it, and its first use at run time traps."""
    socket.has_ipv6 = False  # urllib3 would bind a socket to find out, while it is imported
    for name in ("getaddrinfo", "gethostbyname", "create_connection", "create_server", "socketpair"):
        setattr(socket, name, _refuse)
    socket.socket.connect = _refuse
    socket.socket.bind = _refuse
