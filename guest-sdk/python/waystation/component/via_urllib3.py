"""``urllib3`` over the host's HTTP, and so whatever is built on it, ``requests`` first.

Only the connection is replaced, as urllib3's own port to the browser does: pools,
retries, redirects, decoding and errors stay urllib3's.
"""

from __future__ import annotations

import email.message
import http.client
import io
from typing import Any

import urllib3
from urllib3 import exceptions
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.request import body_to_chunks

from .http import CHUNK, Answer, Body, HttpError, fetch
from .patch import replace


class HostConnection:
    """What urllib3's pools want of a connection."""

    scheme = "http"
    default_port = 80
    proxy = None
    proxy_config = None
    proxy_is_verified = None
    has_connected_to_proxy = False
    is_closed = False  # nothing is kept open here: the host connects
    is_connected = True
    is_verified = True  # the host checks certificates, always

    def __init__(
        self, host: str, port: int | None = None, *, timeout: Any = None, blocksize: int = CHUNK, **_: Any
    ) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout
        self.blocksize = blocksize
        self._request: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(host={self.host!r}, port={self.port!r})"

    def connect(self) -> None:
        """Nothing: the host connects when the request is sent."""

    def close(self) -> None:
        """Nothing: see :meth:`connect`."""

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        *,
        chunked: bool = False,
        preload_content: bool = True,
        decode_content: bool = True,
        enforce_content_length: bool = True,
    ) -> None:
        """Keeps the request. It is sent by :meth:`getresponse`, which knows both timeouts."""
        fields = dict(headers or {})
        content = body_to_chunks(body, method=method, blocksize=self.blocksize)
        names = {name.lower() for name in fields}
        sized = content.content_length is not None and not chunked
        if sized and not names & {"content-length", "transfer-encoding"}:
            fields["content-length"] = str(content.content_length)
        self._request = {
            "method": method.upper(),
            "url": url if "://" in url else self._origin() + url,
            "headers": list(fields.items()),
            "chunks": map(_as_bytes, content.chunks or ()),
            "connect_timeout": self._seconds(),
        }
        self._reading = {
            "preload_content": preload_content,
            "decode_content": decode_content,
            "enforce_content_length": enforce_content_length,
        }

    def getresponse(self) -> urllib3.HTTPResponse:
        """Sends the request.

        :raises urllib3.exceptions.HTTPError: or TimeoutError, as a real connection would.
        """
        try:
            answer = fetch(**self._request, read_timeout=self._seconds())
        except HttpError as error:
            raise self._translated(error) from None
        return self._response(answer)

    def _origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    def _seconds(self) -> float | None:
        """The timeout that the pool has set: first the one for connecting, then for reading."""
        return self.timeout if isinstance(self.timeout, (int, float)) else None

    def _translated(self, error: HttpError) -> Exception:
        connection: Any = self
        if error.kind in ("ConnectionTimeout", "DnsTimeout"):
            return exceptions.ConnectTimeoutError(connection, str(error))
        if error.is_timeout:
            return TimeoutError(str(error))  # the pool makes a ReadTimeoutError of it
        if error.is_tls:
            return exceptions.SSLError(error)
        if error.is_connect:
            return exceptions.NewConnectionError(connection, str(error))
        return exceptions.ProtocolError(str(error), error)

    def _response(self, answer: Answer) -> urllib3.HTTPResponse:
        make: Any = urllib3.HTTPResponse  # its types want urllib3's own connection
        response: urllib3.HTTPResponse = make(
            body=io.BufferedReader(answer.body, CHUNK),
            headers=urllib3.HTTPHeaderDict(answer.headers),
            status=answer.status,
            version=11,
            version_string="HTTP/1.1",
            reason=http.client.responses.get(answer.status, ""),
            original_response=_Original(answer),
            request_method=self._request["method"],
            request_url=self._request["url"],
            **self._reading,
        )
        return response


class HostSecureConnection(HostConnection):
    """The same, for https."""

    scheme = "https"
    default_port = 443


class _Original:
    """What cookie jars and urllib3 read of the standard library's response."""

    def __init__(self, answer: Answer) -> None:
        self.msg = email.message.Message()
        for name, value in answer.headers:
            self.msg[name] = value
        self._body: Body = answer.body
        self._method = None

    def isclosed(self) -> bool:
        return self._body.ended

    def close(self) -> None:
        self._body.close()


def install() -> None:
    """For every pool, also those of sessions that the step made at module level."""
    replace(HTTPConnectionPool, ConnectionCls=HostConnection)
    replace(HTTPSConnectionPool, ConnectionCls=HostSecureConnection)


def _as_bytes(chunk: str | bytes) -> bytes:
    return chunk.encode() if isinstance(chunk, str) else bytes(chunk)
