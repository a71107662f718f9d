"""Imports, while there are files, what would be imported late, when there are none."""

from __future__ import annotations

import ast
import encodings
import importlib
import os
import pkgutil
import sys
import traceback
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
            (name, module.__file__)
            for name, module in sorted(sys.modules.items())
            if name not in done and _under(getattr(module, "__file__", None), roots)
        ]
        if not waiting:
            return
        for name, file in waiting:
            done.add(name)
            for wanted in imported_in_functions(_read(file), name, file.endswith("__init__.py")):
                _try_import(wanted)


def imported_in_functions(source: str, module: str, is_package: bool) -> list[str]:
    """The absolute names of modules that ``source`` may import inside functions."""
    package = module if is_package else module.rpartition(".")[0]
    names: set[str] = set()
    for statement in _imports(ast.parse(source)):
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
            continue
        base = statement.module or ""
        if statement.level:
            above = package.split(".")[: len(package.split(".")) - statement.level + 1]
            base = ".".join([*above, *filter(None, [base])])
        names.add(base)
        # `from package import name`: the name may be a module of the package.
        names.update(f"{base}.{alias.name}" for alias in statement.names if alias.name != "*")
    return sorted(names - {""})


def _imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    yield node


def _try_import(name: str) -> None:
    parent, _, attribute = name.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], attribute):
        return
    try:
        importlib.import_module(name)
    except Exception:
        pass


def _under(file: str | None, roots: list[str]) -> bool:
    return bool(file) and file.endswith(".py") and any(file.startswith(r + os.sep) for r in roots)


def _read(file: str) -> str:
    with open(file, encoding="utf-8", errors="replace") as source:
        return source.read()
