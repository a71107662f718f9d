"""The host's answers that have a fixed shape, with their fields for type checkers."""

from __future__ import annotations

from typing import Any

from .record import Record


class Links(Record):
    """Where an outside person or service reaches a pause. They work at once, also before
    the step has ended."""

    resume_url: str
    """Any HTTP request sent here resumes the workflow, or reruns the step."""
    cancel_url: str
    """Any HTTP request sent here cancels the execution."""
    approval_url: str
    """A page for people: shows what waits, and asks before it acts."""
    scheduled: bool
    """False when a ``rerun`` asks for more runs than it allows: nothing is scheduled, and
    the workflow goes on to the next step."""


class Run(Record):
    """Which run of the step this is: ``pd.context.run``."""

    runs: int
    """1 on the first run of the step in this execution, one more with each rerun."""
    context: Any
    """What the run before handed to ``rerun``, or None."""
    callback_request: Any
    """The request that called the resume link and so caused this run: a record with
    ``method``, ``path``, ``url``, ``query``, ``headers``, ``body`` and ``client_ip``; or None."""


class Context(Record):
    """Which execution this is: ``pd.context``."""

    id: str
    """The execution's id."""
    workflow: str
    """The workflow's name."""
    workflow_version: int
    """Which version of it runs."""
    step: str
    """The step's name."""
    triggered_at: str
    """When the execution was triggered: RFC 3339, UTC."""
    deadline: str
    """When this run is cut off: RFC 3339, UTC."""
    deadline_ms: int
    """The same, in Unix milliseconds."""
    attempt: int
    """1, then one more each time the host repeats this run after an error or a crash."""
    idempotency_key: str
    """The same for every attempt of one run: hand it to services that take one."""
    test: bool
    """Is this a test run, in which nothing pauses?"""
    run: Run
    """Which run of the step this is."""
