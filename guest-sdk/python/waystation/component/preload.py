"""Imports, while there are files, what would be imported late, when there are none."""

from __future__ import annotations

import dis
import encodings
import importlib
import inspect
import os
import pkgutil
import re
import sys
import traceback
import types
from collections.abc import Iterator

_LATE = [
    "_strptime",
    "concurrent.futures.thread",
    "email.generator",
    "email.message",
    "email.policy",
    "html.entities",
    "http.cookies",
    "mimetypes",
    "stringprep",
    "unicodedata",
]
"""What modules of the standard library import inside their functions."""

_INDENTED_IMPORT = re.compile(r"^[ \t]+(?:from|import)[ \t]", re.MULTILINE)


def standard_library() -> None:
    """Every codec, what is imported late, and what printing a traceback needs."""
    codecs = [f"encodings.{module.name}" for module in pkgutil.iter_modules(encodings.__path__)]
    for name in [*_LATE, *codecs]:
        _try_import(name)
    for source in ("missing_name", "''.missing", "import json; json.lods", "]"):
        try:
            exec(source, {})
        except Exception as error:
            "".join(traceback.format_exception(error))


def imports_in_functions(roots: list[str]) -> None:
    """Imports what the modules under ``roots`` import inside functions, and so on.

    An import that fails is left to fail at run time, if it is ever reached: an optional
    dependency, or a module that this platform has not.
    """
    done: set[str] = set()
    while True:
        waiting = [
            (name, file)
            for name, module in sorted(sys.modules.items())
            if name not in done and (file := _file_under(module, roots))
        ]
        if not waiting:
            return
        for name, file in waiting:
            done.add(name)
            for wanted in imported_in_functions(_read(file), name, file.endswith("__init__.py")):
                _try_import(wanted)


def imported_in_functions(source: str, module: str, is_package: bool) -> list[str]:
    """The absolute names of modules that ``source`` may import inside functions."""
    if not _INDENTED_IMPORT.search(source):
        return []
    package = module if is_package else module.rpartition(".")[0]
    names: set[str] = set()
    for level, base, wanted in _imports(compile(source, module, "exec", dont_inherit=True)):
        if level:
            above = package.split(".")[: len(package.split(".")) - level + 1]
            base = ".".join([*above, *filter(None, [base])])
        names.add(base)
        # `from package import name`: the name may be a module of the package.
        names.update(f"{base}.{name}" for name in wanted or () if name != "*")
    return sorted(names - {""})


def _imports(code: types.CodeType) -> Iterator[tuple[int, str, tuple[str, ...] | None]]:
    """The level, module and names of every import in the functions of a module's code.

    From the byte code: a syntax tree as Python objects would leave its size behind in the
    component's memory.
    """
    for inner in code.co_consts:
        if not isinstance(inner, types.CodeType):
            continue
        if inner.co_flags & inspect.CO_OPTIMIZED:  # a function, not the body of a class
            level = wanted = None
            for step in dis.get_instructions(inner):
                if step.opname == "IMPORT_NAME":
                    yield level or 0, step.argval, wanted
                level, wanted = wanted, step.argval
        yield from _imports(inner)


def _try_import(name: str) -> None:
    parent, _, attribute = name.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], attribute):
        return
    try:
        importlib.import_module(name)
    except Exception:
        pass


def _file_under(module: types.ModuleType, roots: list[str]) -> str | None:
    """The module's source file, if it is under one of ``roots``."""
    file = getattr(module, "__file__", None) or ""
    under = file.endswith(".py") and any(file.startswith(root + os.sep) for root in roots)
    return file if under else None


def _read(file: str) -> str:
    with open(file, encoding="utf-8", errors="replace") as source:
        return source.read()
