"""An exception of the step, as the host records it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

_SDK = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Failure:
    """Why a step failed."""

    name: str
    """The exception's class, such as ``TypeError``."""
    message: str
    stack: str
    """The traceback, without this library's own frames."""
    retryable: bool
    """False when the exception has an attribute ``retryable`` that is false."""

    @classmethod
    def of(cls, error: BaseException, roots: tuple[str, ...] = ()) -> Failure:
        """The failure for ``error``.

        :param roots: folders whose names are cut off file names in the traceback.
        """
        return cls(
            name=type(error).__name__,
            message=_readable(_message(error)),
            stack=_readable(readable_traceback(error, roots)),
            retryable=bool(getattr(error, "retryable", True)),
        )


def readable_traceback(error: BaseException, roots: tuple[str, ...] = ()) -> str:
    """The traceback of ``error`` and its causes: the step's own files and lines, this
    library's frames cut."""
    report = traceback.TracebackException.from_exception(error)
    for part in _parts(report):
        frames = [frame for frame in part.stack if not _is_machinery(frame.filename)]
        for frame in frames:
            frame.filename = _shorten(frame.filename, roots)
        part.stack = traceback.StackSummary.from_list(frames)
    text = "".join(report.format())
    # An error raised before any frame of the step leaves a heading with nothing under it.
    return text.replace("Traceback (most recent call last):\n" + type(error).__name__, type(error).__name__)


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the step called sys.exit({error.code!r}); return, or call pd.flow.exit()"
    try:
        return str(error)
    except Exception as broken:  # a broken __str__ must not hide the failure
        return f"<no message: __str__ raised {type(broken).__name__}>"


def _parts(report: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """The report, its causes, and the members of exception groups."""
    waiting: list[traceback.TracebackException | None] = [report]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]


def _is_machinery(filename: str) -> bool:
    """Is it this library, what the builder generated, or Python's importing?"""
    return (
        _inside(filename, _SDK)
        or os.path.basename(filename) == "waystation_entry.py"
        or filename.startswith("<frozen importlib")
    )


def _inside(filename: str, folder: str) -> bool:
    return filename.startswith(folder + os.sep)


def _shorten(filename: str, roots: tuple[str, ...]) -> str:
    for root in (*roots, sys.prefix):
        if _inside(filename, root):
            return filename[len(root) + 1 :]
    return filename


def _readable(text: str) -> str:
    """``text`` with what is not Unicode escaped: it crosses to the host as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
