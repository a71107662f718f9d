"""Checks of what Python lets through and the host's types do not."""

from __future__ import annotations

from typing import Any

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1


def whole(name: str, value: Any, unit: str, most: int = U64_MAX) -> int:
    """``value`` as an unsigned whole number; the host checks its own range.

    :raises ValueError: it is no number, negative, or larger than ``most``.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name}: expected a number of {unit}, got {value!r}")
    if not 0 <= value <= most:  # also false for NaN
        raise ValueError(f"{name}: expected a number of {unit} from 0 to {most}, got {value!r}")
    return round(value)


def text(name: str, value: Any) -> str:
    """``value`` if it is text.

    :raises ValueError: it is anything else.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text, got {value!r}")
    return value


def optional_text(name: str, value: Any) -> str | None:
    """As :func:`text`, and None stays None."""
    return None if value is None else text(name, value)
