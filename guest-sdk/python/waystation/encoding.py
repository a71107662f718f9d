"""Python values as JSON text for the host."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid
from collections.abc import Mapping
from typing import Any

DEPTH_MAX = 128
"""How deep the host lets JSON nest; deeper is refused here, where it can be named."""


def dumps(value: Any, name: str) -> str:
    """``value`` as JSON text.

    Beside what JSON has: date, time and datetime become ISO 8601 text; bytes become
    ``{"base64": …}``, as the host has them; sets, tuples and generators become
    arrays; UUID, Decimal and timedelta (seconds) become text or numbers; an Enum its
    value; a dataclass an object.

    :param name: what the value is, for messages: ``the return value``.
    :raises TypeError: the value can't be JSON; the message says where in it.
    """
    text = json.dumps(
        _plain(value, "", name, 0), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        broken = text[error.start]
        raise TypeError(f"{name} has text that is not Unicode: the lone surrogate {broken!r}") from None
    return text


def _plain(value: Any, path: str, name: str, depth: int) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, enum.Enum):
        return _plain(value.value, path, name, depth)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{_place(name, path)} is {value}, which JSON has no number for")
        return float(value)
    if depth >= DEPTH_MAX:
        raise TypeError(f"{name} nests deeper than {DEPTH_MAX} levels, or holds itself")
    if isinstance(value, Mapping):
        return {
            _key(key, path, name): _plain(item, f"{path}.{key}", name, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{path}[{i}]", name, depth + 1) for i, item in enumerate(value)]
    return _plain(_stand_in(value, path, name), path, name, depth + 1)


def _key(key: Any, path: str, name: str) -> str:
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise TypeError(f"{_place(name, path)} has the key {key!r}: JSON's keys are text")


def _stand_in(value: Any, path: str, name: str) -> Any:
    """What stands for ``value`` in JSON: something that is nearer to JSON than it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (set, frozenset)):
        # The order of a set differs from run to run; of two runs one wants one result.
        return sorted(value, key=lambda item: (type(item).__name__, repr(item)))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "__iter__") and hasattr(value, "__next__"):
        return list(value)
    kind = type(value)
    home = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    raise TypeError(f"{_place(name, path)} is a {home}{kind.__qualname__}, which can't be JSON")


def _place(name: str, path: str) -> str:
    return f"{name} at {path.lstrip('.')}" if path else name
