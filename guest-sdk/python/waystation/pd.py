"""What a step's handler is given."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from .arguments import text, whole
from .encoding import dumps
from .flow import Flow
from .host import Host
from .mail import Send
from .record import Record, loads
from .views import Context, Run


class Pd:
    """The step's view of its workflow. The host is asked only for what is read."""

    flow: Flow
    """Pause, run again, end."""
    send: Send
    """Mail."""
    props: Any
    """The step's configuration, its templates filled in."""

    def __init__(self, host: Host, props: str) -> None:
        self._host = host
        self.flow = Flow(host)
        self.send = Send(host)
        self.props = loads(props)

    @property
    def inputs(self) -> Any:
        """Another name for :attr:`props`."""
        return self.props

    @cached_property
    def context(self) -> Context:
        """Which execution and which run this is: see :class:`~waystation.views.Context`
        and, for its field ``run``, :class:`~waystation.views.Run`."""
        context = Context(self._host.execution())
        context["deadline"] = _rfc3339(context["deadline_ms"])
        run = Run(self._host.run())
        run["context"] = loads(run["context"])
        run["callback_request"] = loads(run["callback_request"])
        context["run"] = run
        return context

    @cached_property
    def event(self) -> Any:
        """The event that triggered the workflow."""
        return loads(self._host.event())

    @cached_property
    def steps(self) -> Record:
        """What the steps so far exported, by step and export:
        ``pd.steps.ask["$return_value"]``. The event is in ``pd.steps.trigger.event``."""
        steps: Record = loads(self._host.steps())
        steps.setdefault("trigger", Record(event=self.event))
        return steps

    def export(self, name: str, value: Any) -> None:
        """Exports ``value`` under ``name``, for later steps and for people.

        ``$summary`` is a line of text that people see beside the step.

        :raises ValueError: the name is taken or malformed, or the value is too large.
        :raises TypeError: the value can't be JSON.
        """
        self._host.export(text("name", name), dumps(value, f"the export {name!r}"))

    def respond(
        self,
        response: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> None:
        """Answers the HTTP request that triggered the workflow.

        ``pd.respond(status=201, body={"id": 7})``, or the same as one dict. A body of text
        or bytes is sent as it is, anything else as JSON; ``content-type`` follows from it
        unless the headers have one.

        :raises RuntimeError: nobody waits for an answer, or no longer.
        """
        if response is not None:
            status = response.get("status", status)
            headers = response.get("headers", headers)
            body = response.get("body", body)
        kind, data = _body(body)
        fields = [(str(name), str(value)) for name, value in (headers or {}).items()]
        if kind and not any(name.lower() == "content-type" for name, _ in fields):
            fields.append(("content-type", kind))
        self._host.respond(whole("status", status, "the HTTP status", 999), fields, data)


def _body(body: Any) -> tuple[str | None, bytes]:
    """The media type and the bytes of an answer's body."""
    if body is None:
        return None, b""
    if isinstance(body, str):
        return "text/plain; charset=utf-8", body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return "application/octet-stream", bytes(body)
    return "application/json", dumps(body, "the response's body").encode()


def _rfc3339(ms: int) -> str:
    try:
        at = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"  # a host without a deadline may say "never"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
