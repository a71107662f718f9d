"""Run a step in plain CPython, without a host.

>>> from waystation.testing import FakeHost
>>> def handler(pd):
...     return pd.flow.rerun(1000, {"n": pd.context.run.runs}).scheduled
>>> host = FakeHost()
>>> host.call(handler)
True
>>> host.asked
('rerun', 1000, {'n': 1}, None)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .invoke import invoke
from .pd import Pd


class FakeHost:
    """A host that remembers what the step asked for.

    ``asked`` is the flow call that stands, such as ``("suspend", None, None, None, None)``;
    ``exports``, ``mails`` and ``response`` are what was handed over.
    """

    def __init__(
        self,
        *,
        runs: int = 1,
        context: Any = None,
        callback_request: dict[str, Any] | None = None,
        event: Any = None,
        steps: dict[str, Any] | None = None,
        test: bool = False,
        attempt: int = 1,
    ) -> None:
        self._run = (runs, context, callback_request)
        self._event, self._steps = event, steps or {}
        self._test, self._attempt = test, attempt
        self.asked: tuple[Any, ...] | None = None
        self.ended: tuple[str, str | None] | None = None
        self.exports: dict[str, Any] = {}
        self.mails: list[dict[str, Any]] = []
        self.response: tuple[int, list[tuple[str, str]], bytes] | None = None

    def call(self, handler: Callable[[Pd], Any], props: Any = None) -> Any:
        """Calls ``handler`` as a component would, and returns its result as JSON has it."""
        result = invoke(handler, self, json.dumps({} if props is None else props))
        return None if result is None else json.loads(result)

    def run(self) -> dict[str, Any]:
        runs, context, callback = self._run
        as_text = lambda value: None if value is None else json.dumps(value)
        return {"runs": runs, "context": as_text(context), "callback_request": as_text(callback)}

    def execution(self) -> dict[str, Any]:
        return {
            "id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "workflow": "test",
            "workflow_version": 1,
            "step": "step",
            "triggered_at": "2026-01-01T00:00:00Z",
            "deadline_ms": 1767225630000,
            "attempt": self._attempt,
            "idempotency_key": f"test/step/{self._run[0]}",
            "test": self._test,
        }

    def event(self) -> str:
        return json.dumps(self._event)

    def steps(self) -> str:
        return json.dumps(self._steps)

    def suspend(self, timeout_ms, on_timeout, message, resume_schema) -> dict[str, Any]:
        schema = None if resume_schema is None else json.loads(resume_schema)
        return self._pause("suspend", timeout_ms, on_timeout, message, schema)

    def rerun(self, delay_ms, context, max_retries) -> dict[str, Any]:
        value = None if context is None else json.loads(context)
        if self._run[0] > (10 if max_retries is None else max_retries):
            return self._links(scheduled=False)
        return self._pause("rerun", delay_ms, value, max_retries)

    def delay(self, delay_ms) -> dict[str, Any]:
        return self._pause("delay", delay_ms)

    def withdraw(self) -> None:
        self.asked = self.ended = None

    def exit(self, reason) -> None:
        self.ended = ("exit", reason)

    def export(self, name, value) -> None:
        self.exports[name] = json.loads(value)

    def respond(self, status, headers, body) -> None:
        self.response = (status, headers, body)

    def email(self, to, subject, text, html) -> None:
        self.mails.append({"to": to, "subject": subject, "text": text, "html": html})

    def _pause(self, *asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self._links(scheduled=True)

    @staticmethod
    def _links(scheduled: bool) -> dict[str, Any]:
        urls = {f"{verb}_url": f"http://localhost/{path}/token" for verb, path in
                (("resume", "resume"), ("cancel", "cancel"), ("approval", "approve"))}
        return {**urls, "scheduled": scheduled}
