"""``httpx`` over the host's HTTP: its transports, which are where it leaves Python."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from .http import CHUNK, Answer, HttpError, fetch
from .patch import replace


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An answer's body, read as it comes. The host blocks while it waits: in a step nothing
    else runs meanwhile, also with ``async``."""

    def __init__(self, answer: Answer, request: httpx.Request) -> None:
        self._body = answer.body
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            while part := self._body.read(CHUNK):
                yield part
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error), request=self._request) from None
        except HttpError as error:
            raise httpx.RemoteProtocolError(str(error), request=self._request) from None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part

    def close(self) -> None:
        """Lets the answer go."""
        self._body.close()

    async def aclose(self) -> None:
        """Lets the answer go."""
        self._body.close()


def _send(request: httpx.Request, content: bytes) -> httpx.Response:
    timeout = request.extensions.get("timeout") or {}
    headers = [(name.decode("latin-1"), value) for name, value in request.headers.raw]
    try:
        answer = fetch(
            request.method, str(request.url), headers, [content],
            timeout.get("connect"), timeout.get("read"),
        )
    except HttpError as error:
        raise _class_of(error)(str(error), request=request) from None
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    return httpx.Response(answer.status, headers=fields, stream=_Body(answer, request))


def _class_of(error: HttpError) -> type[httpx.TransportError]:
    if error.kind in ("ConnectionTimeout", "DnsTimeout"):
        return httpx.ConnectTimeout
    if error.is_timeout:
        return httpx.ReadTimeout
    if error.is_connect or error.is_tls:
        return httpx.ConnectError
    return httpx.RemoteProtocolError


def _handle_request(self: Any, request: httpx.Request) -> httpx.Response:
    return _send(request, request.read())


async def _handle_async_request(self: Any, request: httpx.Request) -> httpx.Response:
    return _send(request, await request.aread())


async def _nothing(*_: Any) -> None:
    """The transports hold no connections."""


def install() -> None:
    """For every client, also those that the step made at its top level: without the TLS and
    the pool that the transports would set up, and without proxies from the environment."""
    replace(
        httpx.HTTPTransport,
        __init__=lambda self, **_: None,
        __enter__=lambda self: self,
        __exit__=lambda self, *_: None,
        handle_request=_handle_request,
        close=lambda self: None,
    )
    replace(
        httpx.AsyncHTTPTransport,
        __init__=lambda self, **_: None,
        __aenter__=_self,
        __aexit__=_nothing,
        handle_async_request=_handle_async_request,
        aclose=_nothing,
    )
    replace(importlib.import_module("httpx._client"), get_environment_proxies=dict)


async def _self(transport: Any) -> Any:
    return transport
