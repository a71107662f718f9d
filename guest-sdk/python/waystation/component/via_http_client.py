"""``http.client`` over the host's HTTP, and so what is built on it.

Only the socket is replaced: ``http.client`` writes a request into it and reads an answer out
of it, as it always does; what lies between is one request that the host carries out.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator
from typing import Any

from .http import CHUNK, Answer, HttpError, fetch
from .patch import replace

_HOP = frozenset(["connection", "keep-alive", "transfer-encoding"])
"""Headers that told the host how to read the answer; it is read already."""


class HostSocket:
    """What ``http.client`` wants of a connected socket."""

    def __init__(self, origin: str, timeout: float | None) -> None:
        self._origin = origin
        self._timeout = timeout
        self._written = bytearray()

    def sendall(self, data: Any, *_: Any) -> None:
        """Keeps a part of the request."""
        self._written += data

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Sends the request, and gives what a server would have written."""
        request, self._written = bytes(self._written), bytearray()
        method, target, headers, body = _parsed(request)
        url = target if "://" in target else self._origin + target
        try:
            answer = fetch(method, url, headers, [body], self._timeout, self._timeout)
        except HttpError as error:
            raise _translated(error) from None
        return io.BufferedReader(_Written(answer), CHUNK)

    def settimeout(self, timeout: float | None) -> None:
        """Seconds, for connecting and for each wait after it."""
        self._timeout = timeout

    def setsockopt(self, *_: Any) -> None:
        """Nothing: the host's connection is its own affair."""

    def shutdown(self, *_: Any) -> None:
        """Nothing: see :meth:`setsockopt`."""

    def close(self) -> None:
        """Nothing: see :meth:`setsockopt`."""


class _Written(io.RawIOBase):
    """An answer as HTTP/1.1 text: its head, then its body as it comes."""

    def __init__(self, answer: Answer) -> None:
        reason = http.client.responses.get(answer.status, "")
        lines = [f"HTTP/1.1 {answer.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in _HOP]
        lines += ["connection: close", "", ""]
        self._head = "\r\n".join(lines).encode("latin-1")
        self._body = answer.body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._head:
            return self._body.readinto(buffer)
        size = min(len(buffer), len(self._head))
        buffer[:size] = self._head[:size]
        self._head = self._head[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


def _parsed(request: bytes) -> tuple[str, str, list[tuple[str, bytes]], bytes]:
    """Method, target, headers and body of a request that http.client has written."""
    head, _, rest = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.decode("latin-1").split(" ")
    headers = []
    chunked = False
    for line in lines:
        name, _, value = line.partition(b":")
        key, content = name.decode("latin-1").strip().lower(), value.strip()
        chunked |= key == "transfer-encoding" and content.lower() == b"chunked"
        headers.append((key, content))
    return method, target, headers, b"".join(_chunks(rest)) if chunked else rest


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        yield body[:length]
        body = body[length + 2 :]


def _translated(error: HttpError) -> OSError:
    """The error that a socket would have raised."""
    if error.is_timeout:
        return TimeoutError(str(error))
    if error.kind == "ConnectionRefused":
        return ConnectionRefusedError(str(error))
    if error.kind == "DnsError":
        return socket.gaierror(str(error))
    return error


def _connect(self: Any) -> None:
    host = f"[{self.host}]" if ":" in self.host else self.host
    timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
    self.sock = HostSocket(f"{self._scheme}://{host}:{self.port}", timeout)


class HTTPSConnection(http.client.HTTPConnection):
    """Python leaves its own out where there is no ``ssl`` module. The host checks
    certificates, always: ``context`` is taken and not used."""

    default_port = 443
    _scheme = "https"

    def __init__(self, host: str, port: int | None = None, *, context: Any = None, **options: Any) -> None:
        super().__init__(host, port, **options)


def install() -> None:
    """Before the step is imported: what derives from the classes needs both of them."""
    replace(http.client.HTTPConnection, connect=_connect, _scheme="http", set_tunnel=_no_tunnel)
    replace(
        http.client,
        HTTPSConnection=HTTPSConnection,
        _create_https_context=lambda version: None,  # urllib.request asks for one
    )


def _no_tunnel(*_: Any, **__: Any) -> None:
    raise OSError("a step uses no proxy of its own: how the host reaches the network is its affair")
