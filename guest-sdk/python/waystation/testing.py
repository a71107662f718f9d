"""Run a step in plain CPython, without a host.

>>> from waystation.testing import FakeHost
>>> def handler(pd):
...     links = pd.flow.rerun(1000, {"n": pd.context.run.runs})
...     pd.export("link", links.resume_url)
...     return links.scheduled
>>> host = FakeHost()
>>> host.call(handler)
True
>>> host.asked
('rerun', 1000, {'n': 1}, None)
>>> host.exports["link"].startswith("http://127.0.0.1:8787/resume/")
True

What the host refuses is refused here, in its words:

>>> host.call(lambda pd: pd.flow.delay(0))
Traceback (most recent call last):
ValueError: delay-ms: 0 ms; 1 to 31536000000 (365 days) are allowed

Two steps in a row: the second reads what the first exported.

>>> first = FakeHost()
>>> first.call(lambda pd: {"total": 12})
{'total': 12}
>>> second = FakeHost(steps={"first": first.exports})
>>> second.call(lambda pd: pd.steps.first["$return_value"].total)
12

HTTP is not faked: ``requests`` goes out as always, and is patched as in any other test.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Callable
from typing import Any

from . import rules
from .invoke import invoke
from .pd import Pd

_START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


class FakeHost:
    """A host that remembers what the step asked for, and refuses what the real one refuses.

    :param runs: which run this is, from 1.
    :param context: what the run before handed to ``rerun``.
    :param callback_request: the request that caused this run.
    :param event: what triggered the workflow.
    :param steps: the exports of earlier steps, by step.
    :param test: is this a test run?
    :param attempt: which attempt at this run this is, from 1.
    :param now: when the run starts. Default: 2026-01-01, so that tests repeat.
    :param timeout_s: how long the run may take; ``pd.context.deadline`` follows from it.
    :param email: may the step send mail?
    :param http_caller: does an HTTP caller wait for ``pd.respond``?
    """

    asked: tuple[Any, ...] | None
    """The flow call that stands, such as ``("delay", 1000)`` or
    ``("suspend", None, None, None, None)``; None when the workflow goes on."""
    ended: tuple[str, str | None] | None
    """``("exit", reason)`` when the step ended the workflow."""
    exports: dict[str, Any]
    """What was exported, with ``$return_value``."""
    mails: list[dict[str, Any]]
    """Mails: dicts with ``to``, ``subject``, ``text`` and ``html``."""
    response: tuple[int, list[tuple[str, str]], bytes] | None
    """Status, headers and body of the answer to the trigger's caller."""

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
        now: datetime.datetime = _START,
        timeout_s: float = 30,
        email: bool = True,
        http_caller: bool = True,
    ) -> None:
        self._run = (runs, context, callback_request)
        self._event, self._steps = event, steps or {}
        self._test, self._attempt = test, attempt
        self._now, self._timeout_s = now, timeout_s
        self._may_mail, self._caller_waits = email, http_caller
        self.asked = None
        self.ended = None
        self.exports = {}
        self.mails = []
        self.response = None

    def call(self, handler: Callable[[Pd], Any], props: Any = None) -> Any:
        """Calls ``handler`` as a component would, and returns its result as JSON has it.

        What the handler raises is raised; what it asked of the flow is dropped then.
        """
        try:
            result = invoke(handler, self, json.dumps({} if props is None else props))
            if result is None:
                return None
            rules.payload("the return value", result)
        except BaseException:
            self.asked = self.ended = None
            raise
        value = self.exports["$return_value"] = json.loads(result)
        return value

    def run(self) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.run`."""
        runs, context, callback = self._run
        return {"runs": runs, "context": _text(context), "callback_request": _text(callback)}

    def execution(self) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.execution`."""
        deadline = self._now + datetime.timedelta(seconds=self._timeout_s)
        utc = self._now.astimezone(datetime.timezone.utc)
        return {
            "id": _ID,
            "workflow": "test",
            "workflow_version": 1,
            "step": "step",
            "triggered_at": utc.isoformat().replace("+00:00", "Z"),
            "deadline_ms": round(deadline.timestamp() * 1000),
            "attempt": self._attempt,
            "idempotency_key": f"{_ID}/step/{self._run[0]}",
            "test": self._test,
        }

    def event(self) -> str:
        """See :meth:`waystation.host.Host.event`."""
        return json.dumps(self._event)

    def steps(self) -> str:
        """See :meth:`waystation.host.Host.steps`."""
        return json.dumps(self._steps)

    def suspend(
        self,
        timeout_ms: int | None,
        on_timeout: str | None,
        message: str | None,
        resume_schema: str | None,
    ) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.suspend`."""
        if timeout_ms is not None:
            rules.wait("timeout-ms", timeout_ms)
        if message is not None:
            rules.line("message", message)
        schema = None
        if resume_schema is not None:
            rules.payload("resume-schema", resume_schema)
            schema = json.loads(resume_schema)
            rules.schema(schema)
        return self._pause("suspend", timeout_ms, on_timeout, message, schema)

    def rerun(self, delay_ms: int, context: str | None, max_retries: int | None) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.rerun`."""
        rules.wait("delay-ms", delay_ms)
        if context is not None:
            rules.payload("context", context)
        if self._run[0] > (10 if max_retries is None else max_retries):
            self.asked = None
            return self._links(scheduled=False)
        value = None if context is None else json.loads(context)
        return self._pause("rerun", delay_ms, value, max_retries)

    def delay(self, delay_ms: int) -> dict[str, Any]:
        """See :meth:`waystation.host.Host.delay`."""
        rules.wait("delay-ms", delay_ms)
        return self._pause("delay", delay_ms)

    def withdraw(self) -> None:
        """See :meth:`waystation.host.Host.withdraw`."""
        self.asked = self.ended = None

    def exit(self, reason: str | None) -> None:
        """See :meth:`waystation.host.Host.exit`."""
        self.ended = ("exit", reason)

    def export(self, name: str, value: str) -> None:
        """See :meth:`waystation.host.Host.export`."""
        rules.payload(name, value)
        others = len(self.exports.keys() - {name, "$summary", "$return_value"})
        rules.export(name, json.loads(value), others)
        self.exports[name] = json.loads(value)

    def respond(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """See :meth:`waystation.host.Host.respond`."""
        rules.response(status, headers, body)
        if not self._caller_waits:
            raise RuntimeError(
                "no HTTP caller waits for this step: the workflow was triggered in another "
                "way, or its trigger does not say `respond: step`"
            )
        if self.response is not None:
            raise RuntimeError("the HTTP caller was answered already, or has left")
        self.response = (status, headers, body)

    def email(self, to: list[str], subject: str, text: str | None, html: str | None) -> None:
        """See :meth:`waystation.host.Host.email`."""
        if not self._may_mail:
            raise PermissionError(
                "this step may not send mail: add `email: true` to its `allow` in the workflow"
            )
        rules.mail(to, subject, text, html, len(self.mails))
        self.mails.append({"to": to, "subject": subject, "text": text, "html": html})

    def _pause(self, *asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self._links(scheduled=True)

    def _links(self, scheduled: bool) -> dict[str, Any]:
        """As the host's: the same for the same run, and of the same form."""
        verbs = {"resume": "resume", "cancel": "cancel", "approval": "approve"}
        links: dict[str, Any] = {"scheduled": scheduled}
        for name, path in verbs.items():
            token = hashlib.sha512(f"{_ID}/step/{self._run[0]}/{path}".encode()).digest()[:48]
            shown = base64.urlsafe_b64encode(token).decode()
            links[f"{name}_url"] = f"http://127.0.0.1:8787/{path}/{shown}"
        return links


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
