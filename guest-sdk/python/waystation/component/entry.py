"""Where the build of a component begins, and where each of its runs does."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import inspect
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
from . import lacking, preload

MARK = "waystation-step-error: "
"""Begins the line that tells the builder, as JSON, what is wrong with the step."""


class BuildFailed(Exception):
    """The step can't be made a component; what is wrong has been told."""


def load(
    find_step: Callable[[], types.ModuleType], label: str, roots: list[str]
) -> Callable[[str], str | None]:
    """Imports the step and everything it may need later, and returns what runs it.

    :param find_step: imports the module that has ``handler``: :func:`from_file` or
        :func:`from_package`, with their argument.
    :param label: the step's file or folder as people know it, for messages.
    :param roots: the folders of the step (the first two: its own, and that of modules
        beside it) and of its dependencies.
    """
    lacking.close()
    importlib.import_module(".via_http_client", __package__).install()
    preload.standard_library()
    try:
        step = find_step()
        if not callable(getattr(step, "handler", None)):
            _tell("handler", f"{label} has no function `handler`: write `def handler(pd):`")
        if inspect.iscoroutinefunction(step.handler):
            importlib.import_module("asyncio")  # which runs it
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
        _tell("import", f"{label} fails when it is imported:\n{readable_traceback(error, tuple(roots))}")
    _remember_sources(roots)
    gc.collect()
    return _Runner(step.handler, tuple(roots))


def from_file(file: str) -> types.ModuleType:
    """The module of a file whose name need not be one that Python can import."""
    stem = os.path.basename(file).removesuffix(".py")
    name = "".join(letter if letter.isalnum() else "_" for letter in stem)
    # Not under its own name: a step called `email.py` must not stand for the library's.
    spec: Any = importlib.util.spec_from_file_location(f"{name}_step", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


def from_package(name: str) -> types.ModuleType:
    """The package if it has ``handler``, else the first of its modules that has."""
    package = importlib.import_module(name)
    if callable(getattr(package, "handler", None)):
        return package
    for part in ("handler", "step", "main"):
        if importlib.util.find_spec(f"{name}.{part}"):
            module = importlib.import_module(f"{name}.{part}")
            if callable(getattr(module, "handler", None)):
                return module
    return package


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
            lacking.close_files()
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
        "httpx": "via_httpx",
        "asyncio": "event_loop",
        "zoneinfo": "time_zones",
    }
    for module, adapter in adapters.items():
        if module in sys.modules:
            importlib.import_module(f".{adapter}", __package__).install()
    lacking.close_processes()
    lacking.close_libraries()
    streams: list[Any] = [sys.stdout, sys.stderr]
    for stream in streams:
        stream.reconfigure(line_buffering=True)


def _remember_sources(roots: list[str]) -> None:
    """Keeps the source of the step's modules, for tracebacks. Those of dependencies would
    be many; their lines are shown without source."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and any(file.startswith(root + os.sep) for root in roots[:2]):
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
        module = name.removeprefix("_")
        instead = lacking.INSTEAD.get(module)
        return f"{place}the module `{module}` does not exist in WebAssembly" + (
            f": {instead}" if instead else ""
        )
    return f"{place}no module named `{error.name}`: add it to requirements.txt"


def _tell(kind: str, message: str, **more: Any) -> None:
    print(MARK + json.dumps({"kind": kind, "message": message, **more}), file=sys.stderr, flush=True)
    raise BuildFailed(message.splitlines()[0])
