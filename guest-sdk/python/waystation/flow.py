"""Pause the workflow, run the step again, or end the workflow."""

from __future__ import annotations

from typing import Any

from .arguments import U32_MAX, optional_text, whole
from .encoding import dumps
from .host import Host
from .views import Links


class Flow:
    """``pd.flow``. No call here stops the step: the code after it still runs, and the
    host acts when ``handler`` returns. If ``handler`` fails, what was asked for is
    dropped. Of several calls in one run the last one stands.

    The links that come back (:class:`~waystation.views.Links`) are a dict with
    ``resume_url``, ``cancel_url``, ``approval_url`` and ``scheduled``, which are attributes
    too. They work at once, also before the step has ended.

    Wrong arguments raise ``ValueError`` in the words of the host.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def suspend(
        self,
        timeout_ms: float | None = None,
        *,
        on_timeout: str | None = None,
        message: str | None = None,
        resume_schema: dict[str, Any] | bool | None = None,
    ) -> Links:
        """Pauses when the step returns, until the resume link is called or the time is over.

        :param timeout_ms: milliseconds, 1 to 365 days. Default: 24 hours.
        :param on_timeout: ``"resume"`` (the default), ``"cancel"`` or ``"fail"``.
        :param message: a line of text for the people who approve.
        :param resume_schema: a JSON Schema that the resuming request's body must satisfy.
        """
        return Links(
            self._host.suspend(
                None if timeout_ms is None else whole("timeout_ms", timeout_ms, "milliseconds"),
                _on_timeout(on_timeout),
                optional_text("message", message),
                None if resume_schema is None else dumps(resume_schema, "resume_schema"),
            )
        )

    def rerun(
        self,
        delay: float,
        context: Any = None,
        max_retries: int | None = None,
        *,
        maxRetries: int | None = None,
    ) -> Links:
        """Runs this step again after ``delay``, or as soon as the resume link is called.

        :param delay: milliseconds, 1 to 365 days.
        :param context: any JSON value; the next run finds it in ``pd.context.run.context``.
        :param max_retries: how many reruns there may be at most. Default: 10. A call past
            that schedules nothing and returns links whose ``scheduled`` is False.
        :param maxRetries: another name for ``max_retries``.
        """
        if maxRetries is not None:
            if max_retries is not None:
                raise ValueError("max_retries: given twice, also as maxRetries")
            max_retries = maxRetries
        return Links(
            self._host.rerun(
                whole("delay", delay, "milliseconds"),
                None if context is None else dumps(context, "context"),
                None if max_retries is None else whole("max_retries", max_retries, "reruns", U32_MAX),
            )
        )

    def delay(self, ms: float) -> Links:
        """Pauses for ``ms`` milliseconds (1 to 365 days), then goes on with the next step.

        The resume link ends the wait early.
        """
        return Links(self._host.delay(whole("ms", ms, "milliseconds")))

    def withdraw(self) -> None:
        """Takes back what this run asked for: no pause, no rerun."""
        self._host.withdraw()

    def exit(self, reason: str | None = None) -> None:
        """Ends the workflow, successfully, when the step returns."""
        self._host.exit(optional_text("reason", reason))


def _on_timeout(choice: str | None) -> str | None:
    if choice in (None, "resume", "cancel", "fail"):
        return choice
    raise ValueError(f'on_timeout: expected "resume", "cancel" or "fail", got {choice!r}')
