"""One HTTP request over wasi:http, which the host carries out."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from componentize_py_types import Err
from wit_world.imports import outgoing_handler
from wit_world.imports import wasi_http_types as wasi
from wit_world.imports.streams import StreamError_Closed

CHUNK = 64 * 1024
_WRITE_MAX = 4096
"""What one ``blocking_write_and_flush`` takes, by the definition of wasi:io."""
_METHODS = "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split()
_OWN_HEADERS = frozenset(
    "connection host http2-settings keep-alive proxy-authorization proxy-connection te "
    "transfer-encoding upgrade".split()
)
"""Headers that belong to the connection, or that the host derives: it refuses them."""


class HttpError(OSError):
    """The host could not carry out a request. ``kind`` is the case of wasi:http's
    ``error-code``, such as ``ConnectionRefused``."""

    def __init__(self, kind: str, detail: Any = None) -> None:
        self.kind = kind
        words = _WORDS.get(kind, kind)
        super().__init__(f"{words} ({detail})" if detail is not None else words)

    @classmethod
    def of(cls, code: Any) -> HttpError:
        """From a value of ``error-code``."""
        detail = getattr(code, "value", None)
        if detail is not None and not isinstance(detail, (str, int)):
            detail = ", ".join(str(v) for v in vars(detail).values() if v is not None) or None
        return cls(type(code).__name__.removeprefix("ErrorCode_"), detail)

    @property
    def is_timeout(self) -> bool:
        """Did something take longer than allowed?"""
        return self.kind.endswith("Timeout")

    @property
    def is_tls(self) -> bool:
        """Was it the secure connection?"""
        return self.kind.startswith("Tls")

    @property
    def is_connect(self) -> bool:
        """Did it fail before anything was sent?"""
        return self.kind in _BEFORE_SENDING


_WORDS = {
    "ConnectionReadTimeout": "the server did not answer in time",
    "ConnectionRefused": "connection refused",
    "ConnectionTerminated": "the server closed the connection",
    "ConnectionTimeout": "connecting took too long",
    "DestinationIpProhibited": "the host does not allow requests to this address",
    "DnsError": "the server's name was not found",
    "DnsTimeout": "looking up the server's name took too long",
    "HttpRequestDenied": "the host does not allow this request: "
    "see the step's `allow.http` and the host's `outbound.allow`",
    "HttpResponseIncomplete": "the response ended too early",
    "HttpResponseTimeout": "the response took too long",
    "InternalError": "the request failed",
    "TlsAlertReceived": "the server refused the secure connection",
    "TlsCertificateError": "the host does not trust the server's certificate: it must be valid, "
    "for this name, and from an authority whose certificate the host has",
    "TlsProtocolError": "no secure connection could be agreed on",
}
_BEFORE_SENDING = frozenset(
    "ConnectionRefused ConnectionTimeout DestinationIpProhibited DestinationIpUnroutable "
    "DestinationNotFound DestinationUnavailable DnsError DnsTimeout HttpRequestDenied".split()
)


@dataclass
class Answer:
    """A response whose body is still to be read."""

    status: int
    headers: list[tuple[str, str]]
    body: Body


def fetch(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str | bytes]],
    chunks: Iterable[bytes] = (),
    connect_timeout: float | None = None,
    read_timeout: float | None = None,
) -> Answer:
    """Sends one request and waits for the head of its answer. Follows no redirects.

    :param chunks: the body.
    :param connect_timeout: seconds.
    :param read_timeout: seconds, for the answer's head and between two parts of its body.
    :raises HttpError: no answer came.
    """
    request = _request(method, url, headers)
    body = request.body()
    try:
        future = outgoing_handler.handle(request, _options(connect_timeout, read_timeout))
    except Err as refusal:
        body.__exit__(None, None, None)
        raise HttpError.of(refusal.value) from None
    _send(body, chunks)
    with future:
        with future.subscribe() as answered:
            answered.block()
        response = _answered(future.get())
    with response.headers() as fields:
        entries = [(name, value.decode("latin-1")) for name, value in fields.entries()]
    return Answer(response.status(), entries, Body(response))


def _answered(outcome: Any) -> Any:
    """The response in what a future gives: twice a result. The outer one only says that it
    was not taken before."""
    if isinstance(outcome.value, Err):
        raise HttpError.of(outcome.value.value)
    return outcome.value.value


def _request(method: str, url: str, headers: Iterable[tuple[str, str | bytes]]) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise HttpError("HttpRequestUriInvalid", url)
    try:
        fields = wasi.Fields.from_list(
            [(n.lower(), _octets(v)) for n, v in headers if n.lower() not in _OWN_HEADERS]
        )
        request = wasi.OutgoingRequest(fields)
        known = method in _METHODS
        request.set_method(
            getattr(wasi, f"Method_{method.title()}")() if known else wasi.Method_Other(method)
        )
        request.set_scheme(wasi.Scheme_Https() if parts.scheme == "https" else wasi.Scheme_Http())
        request.set_authority(parts.netloc.rpartition("@")[2])
        request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    except Err as refusal:
        why = type(refusal.value).__name__.removeprefix("HeaderError_")
        raise HttpError("HttpRequestUriInvalid", f"{method} {url}: {why}") from None
    return request


def _octets(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _options(connect_timeout: float | None, read_timeout: float | None) -> Any:
    options = wasi.RequestOptions()
    if connect_timeout is not None:
        options.set_connect_timeout(_nanoseconds(connect_timeout))
    if read_timeout is not None:
        options.set_first_byte_timeout(_nanoseconds(read_timeout))
        options.set_between_bytes_timeout(_nanoseconds(read_timeout))
    return options


def _nanoseconds(seconds: float) -> int:
    return max(1, min(int(seconds * 1e9), 2**63))


def _send(body: Any, chunks: Iterable[bytes]) -> None:
    """Writes the request's body. When the server hangs up or refuses meanwhile, the rest
    is left out: the answer that is waited for next says why."""
    stream = body.write()
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            for start in range(0, len(view), _WRITE_MAX):
                stream.blocking_write_and_flush(bytes(view[start : start + _WRITE_MAX]))
    except Err:
        stream.__exit__(None, None, None)
        body.__exit__(None, None, None)
        return
    except BaseException:  # the step's own generator failed: no half request
        stream.__exit__(None, None, None)
        body.__exit__(None, None, None)
        raise
    stream.__exit__(None, None, None)
    try:
        wasi.OutgoingBody.finish(body, None)
    except Err:
        pass


class Body(io.RawIOBase):
    """The body of an answer, read from the host as it comes.

    Its handles are let go children first: the host traps otherwise.
    """

    def __init__(self, response: Any) -> None:
        self._response = response
        self._body = response.consume()
        self._stream = self._body.stream()

    @property
    def ended(self) -> bool:
        """Is there nothing more to read?"""
        return self._stream is None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._stream is None or not len(buffer):
            return 0
        try:
            data = self._stream.blocking_read(min(len(buffer), CHUNK))
        except Err as end:
            failed = None if isinstance(end.value, StreamError_Closed) else _why(end.value.value)
            self._release()
            if failed is None:
                return 0
            raise failed from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._release()
        super().close()

    def _release(self) -> None:
        if getattr(self, "_stream", None) is not None:
            for handle in (self._stream, self._body, self._response):
                handle.__exit__(None, None, None)
            self._stream = self._body = self._response = None


def _why(error: Any) -> Exception:
    """What a broken body is for Python: its timeouts are ``TimeoutError``."""
    code = wasi.http_error_code(error)
    if code is None:
        # Only the first line: the rest is for the host's developers.
        failed = HttpError("HttpResponseIncomplete", error.to_debug_string().split("\n")[0])
    else:
        failed = HttpError.of(code)
    error.__exit__(None, None, None)
    return TimeoutError(str(failed)) if failed.is_timeout else failed
