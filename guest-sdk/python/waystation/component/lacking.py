"""What a sandbox lacks, said in a sentence instead of what the C library makes of it.

Each error keeps the class that Python has for it, so that libraries which can do without go
on doing without.
"""

from __future__ import annotations

import builtins
import io
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from .patch import replace

SOCKETS = "a step has no sockets: use HTTP (requests, urllib, http.client), which the host carries out"
THREADS = (
    "a step has no threads: call the function itself; `async` functions take turns with "
    "asyncio.gather"
)
PROCESSES = (
    "a step has no processes: call a service over HTTP, or a library of pure Python instead of "
    "the program"
)
FILES = (
    "a step has no files at run time: read them at the module's top level, while the component "
    "is built, and keep data in io.BytesIO, pd.export or a rerun's context"
)
AIOHTTP = (
    "aiohttp needs sockets, which a step has not: use httpx.AsyncClient or requests, which go "
    "through the host"
)

INSTEAD = {
    "ssl": "HTTPS goes through the host, which checks certificates: use requests or urllib "
    "without a context of your own",
    "multiprocessing": PROCESSES,
    "ctypes": "a step has no machine code: use a library of pure Python",
}
"""What to do where a module of the standard library does not exist."""


def refusing(kind: type[Exception], words: str) -> Callable[..., NoReturn]:
    """A function that only raises."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise kind(words)

    return refuse


def close() -> None:
    """Closes the way to sockets and threads. Before the step is imported: a socket's handle
    that is opened while the component is built is frozen into it, and its first use at run
    time traps."""
    no_sockets = refusing(OSError, SOCKETS)
    replace(
        socket,
        has_ipv6=False,  # urllib3 would bind a socket to find out, while it is imported
        getaddrinfo=no_sockets,
        gethostbyname=no_sockets,
        create_connection=no_sockets,
        create_server=no_sockets,
        socketpair=no_sockets,
    )
    replace(socket.socket, __init__=no_sockets)
    replace(threading.Thread, start=refusing(RuntimeError, THREADS))


def close_processes() -> None:
    """Replaces what starts processes, in the modules that the step has imported."""
    no_processes = refusing(OSError, PROCESSES)
    if "subprocess" in sys.modules:
        replace(sys.modules["subprocess"].Popen, __init__=no_processes)
    if "multiprocessing" in sys.modules:
        module = sys.modules["multiprocessing"]
        replace(module.process.BaseProcess, start=no_processes)
        for name in ("Pool", "Queue", "SimpleQueue", "Manager", "Lock", "Pipe", "Value", "Array"):
            replace(module, **{name: no_processes})
    replace(os, system=no_processes, popen=no_processes)


def close_libraries() -> None:
    """Replaces what can't work in libraries that the step has imported."""
    if "aiohttp" in sys.modules:
        session = sys.modules["aiohttp"].ClientSession
        replace(session, __init__=refusing(RuntimeError, AIOHTTP), __del__=lambda self: None)


def close_files() -> None:
    """When a run begins: what can't be opened is told to be no bug of the path."""
    told = _told(io.open)
    replace(builtins, open=told)
    replace(io, open=told)
    if "tempfile" in sys.modules:
        no_files = refusing(FileNotFoundError, FILES)
        replace(sys.modules["tempfile"], _get_default_tempdir=no_files)


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    def opens(file: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return function(file, *arguments, **options)
        except OSError as error:
            raise type(error)(error.errno, FILES, error.filename) from None

    return opens
