"""The seam between the library and whoever hosts the step.

Inside a component it is :class:`waystation.component.host.ComponentHost`, in tests
:class:`waystation.testing.FakeHost`. Values cross as JSON text.
"""

from __future__ import annotations

from typing import Any, Protocol


class Host(Protocol):
    """What a step asks of its host.

    Every call may raise: ``ValueError`` with the host's own words when an argument
    is not allowed, ``PermissionError`` when the step may not do this,
    ``RuntimeError`` when it can't be done now.
    """

    def run(self) -> dict[str, Any]:
        """``runs`` (int), ``context`` and ``callback_request`` (JSON text or None)."""

    def execution(self) -> dict[str, Any]:
        """The fields of ``pd.context``, apart from ``run``."""

    def event(self) -> str:
        """The triggering event, as JSON text."""

    def steps(self) -> str:
        """What the steps so far exported, as JSON text."""

    def suspend(
        self,
        timeout_ms: int | None,
        on_timeout: str | None,
        message: str | None,
        resume_schema: str | None,
    ) -> dict[str, Any]:
        """The links of the pause."""

    def rerun(self, delay_ms: int, context: str | None, max_retries: int | None) -> dict[str, Any]:
        """The links of the pause."""

    def delay(self, delay_ms: int) -> dict[str, Any]:
        """The links of the pause."""

    def withdraw(self) -> None:
        """Takes back what this run asked for."""

    def exit(self, reason: str | None) -> None:
        """Ends the workflow when the handler returns."""

    def export(self, name: str, value: str) -> None:
        """Exports JSON text under a name."""

    def respond(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answers the trigger's HTTP caller."""

    def email(self, to: list[str], subject: str, text: str | None, html: str | None) -> None:
        """Hands over a mail."""
