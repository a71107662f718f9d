"""The host, through the component's imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from componentize_py_types import Err
from wit_world.imports import context, exports, flow, http_response, send

_RAISED = {"NotAllowed": PermissionError, "NobodyWaits": RuntimeError, "Unavailable": RuntimeError}


def _ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls the host; what it refuses is raised, in its words."""
    try:
        return function(*arguments)
    except Err as refusal:
        case = type(refusal.value).__name__.removeprefix("Error_")
        words = str(refusal.value.value)
    raise _RAISED.get(case, ValueError)(words)


class ComponentHost:
    """See :class:`waystation.host.Host`."""

    def run(self) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.run`."""
        return dict(vars(context.get_run()))

    def execution(self) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.execution`."""
        return dict(vars(context.get_execution()))

    def event(self) -> str:
        """See :meth:`waystation.host.Host.event`."""
        return context.get_event()

    def steps(self) -> str:
        """See :meth:`waystation.host.Host.steps`."""
        return context.get_steps()

    def suspend(
        self,
        timeout_ms: int | None,
        on_timeout: str | None,
        message: str | None,
        resume_schema: str | None,
    ) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.suspend`."""
        choice = None if on_timeout is None else flow.OnTimeout[on_timeout.upper()]
        options = flow.SuspendOptions(timeout_ms, choice, message, resume_schema)
        return dict(vars(_ask(flow.suspend_with, options)))

    def rerun(self, delay_ms: int, context: str | None, max_retries: int | None) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.rerun`."""
        return dict(vars(_ask(flow.rerun, delay_ms, context, max_retries)))

    def delay(self, delay_ms: int) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.delay`."""
        return dict(vars(_ask(flow.delay, delay_ms)))

    def withdraw(self) -> None:
        """See :meth:`waystation.host.Host.withdraw`."""
        flow.withdraw()

    def exit(self, reason: str | None) -> None:
        """See :meth:`waystation.host.Host.exit`."""
        flow.exit(reason)

    def export(self, name: str, value: str) -> None:
        """See :meth:`waystation.host.Host.export`."""
        _ask(exports.set, name, value)

    def respond(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """See :meth:`waystation.host.Host.respond`."""
        _ask(http_response.respond, http_response.Response(status, headers, body))

    def email(self, to: list[str], subject: str, text: str | None, html: str | None) -> None:
        """See :meth:`waystation.host.Host.email`."""
        _ask(send.email, send.Mail(to, subject, text, html))
