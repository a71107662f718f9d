"""Where the build of a component begins, and where each of its runs does."""

from __future__ import annotations

import gc
import importlib
import json
import linecache
import os
import sys
import tokenize
import traceback
import types
from collections.abc import Callable
from typing import Any

from ..failure import Failure, readable_traceback
from . import preload, sockets

MARK = "waystation-step-error: "
"""Begins the line that tells the builder, as JSON, what is wrong with the step."""


class BuildFailed(Exception):
    """The step can't be made a component; what is wrong has been told."""


def load(module: str, file: str, roots: list[str]) -> Callable[[str], str | None]:
    """Imports the step and everything it may need later, and returns what runs it.

    :param module: the step's module.
    :param file: its file as people know it, for messages.
    :param roots: the folders of the step and of its dependencies.
    """
    sockets.close()
    preload.standard_library()
    try:
        step = importlib.import_module(module)
        if not callable(getattr(step, "handler", None)):
            _tell("handler", f"{file} has no function `handler`: write `def handler(pd):`")
        preload.imports_in_functions(roots)
        _adapt()
    except SyntaxError as error:
        shown = "".join(traceback.format_exception_only(error)).rstrip()
        for root in roots:
            shown = shown.replace(root + os.sep, "")
        _tell("syntax", shown)
    except ModuleNotFoundError as error:
        _tell("module", _missing(error, roots), module=error.name)
    except BuildFailed:
        raise
    except BaseException as error:
        _tell("import", f"{file} fails when it is imported:\n{readable_traceback(error, tuple(roots))}")
    _remember_sources(roots)
    gc.collect()
    return _Runner(step.handler, tuple(roots))


class _Runner:
    """Runs the handler, once: every run is an instance of its own."""

    def __init__(self, handler: Callable[..., Any], roots: tuple[str, ...]) -> None:
        self._handler = handler
        self._roots = roots

    def __call__(self, props: str) -> str | None:
        import wit_world
        from componentize_py_types import Err

        from ..invoke import invoke
        from . import environment
        from .host import ComponentHost

        try:
            environment.refresh()
            return invoke(self._handler, ComponentHost(), props)
        except BaseException as error:
            failure = Failure.of(error, self._roots)
        raise Err(
            wit_world.Failure(failure.name, failure.message, failure.stack, failure.retryable)
        )


def _adapt() -> None:
    """Changes what the step has imported, where it reaches for files or sockets."""
    # What a run imports, while there are files to import it from.
    from .. import invoke  # noqa: F401
    from . import environment, host, http  # noqa: F401

    adapters = {
        "urllib.request": "via_urllib",
        "urllib3": "via_urllib3",
        "requests": "via_requests",
        "asyncio": "event_loop",
        "zoneinfo": "time_zones",
    }
    for module, adapter in adapters.items():
        if module in sys.modules:
            importlib.import_module(f".{adapter}", __package__).install()
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr.reconfigure(line_buffering=True)


def _remember_sources(roots: list[str]) -> None:
    """Keeps the source of the step's modules, for tracebacks. Those of dependencies would
    be many; their lines are shown without source."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(module, types.ModuleType) and file and file.startswith(roots[0] + os.sep):
            with tokenize.open(file) as source:
                lines = source.readlines()
            # Without a time of modification linecache never looks for the file again.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def _missing(error: ModuleNotFoundError, roots: list[str]) -> str:
    name = (error.name or "").partition(".")[0]
    place = next(
        (f"{os.path.relpath(frame.filename, root)}:{frame.lineno}: "
         for frame in reversed(traceback.extract_tb(error.__traceback__))
         for root in roots if frame.filename.startswith(root + os.sep)),
        "",
    )
    if name in sys.stdlib_module_names:
        return f"{place}the module `{name}` does not exist in WebAssembly"
    return f"{place}no module named `{error.name}`: add it to requirements.txt"


def _tell(kind: str, message: str, **more: Any) -> None:
    print(MARK + json.dumps({"kind": kind, "message": message, **more}), file=sys.stderr, flush=True)
    raise BuildFailed(message.splitlines()[0])
