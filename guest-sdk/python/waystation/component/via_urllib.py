"""``urllib.request`` over the host's HTTP."""

from __future__ import annotations

import http.client
import io
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any
from urllib.response import addinfourl

from .http import CHUNK, HttpError, fetch
from .patch import replace


class _HTTPSHandler(urllib.request.AbstractHTTPHandler):
    """Python leaves its own out where there is no ``ssl`` module."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def https_open(self, request: urllib.request.Request) -> addinfourl:
        """Sends the request."""
        return _do_open(self, None, request)

    https_request = urllib.request.AbstractHTTPHandler.do_request_


def install() -> None:
    """Replaces what opens a connection; redirects, authentication and cookies stay."""
    replace(urllib.request.AbstractHTTPHandler, do_open=_do_open)
    # The host's network is its own affair: no proxies.
    replace(urllib.request, HTTPSHandler=_HTTPSHandler, getproxies=dict)
    urllib.request.install_opener(urllib.request.build_opener())


def _do_open(self: Any, _class: Any, request: urllib.request.Request, **_: Any) -> addinfourl:
    timeout = request.timeout if isinstance(request.timeout, (int, float)) else None
    headers = {**request.unredirected_hdrs, **request.headers}
    try:
        answer = fetch(
            request.get_method(), request.full_url, headers.items(), chunks_of(request.data),
            timeout, timeout,
        )
    except HttpError as error:
        reason = TimeoutError(str(error)) if error.is_timeout else error
        raise urllib.error.URLError(reason) from None
    fields = http.client.HTTPMessage()
    for name, value in answer.headers:
        fields[name] = value
    body = io.BufferedReader(answer.body, CHUNK)
    response = addinfourl(body, fields, request.full_url, answer.status)
    setattr(response, "msg", http.client.responses.get(answer.status, ""))
    return response


def chunks_of(data: Any) -> Iterable[bytes]:
    """A request's body as urllib takes it: bytes, a file, or an iterable of bytes."""
    if data is None:
        return ()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return (bytes(data),)
    if hasattr(data, "read"):
        return iter(lambda: data.read(CHUNK), b"")
    parts: Iterable[bytes] = data
    return parts
