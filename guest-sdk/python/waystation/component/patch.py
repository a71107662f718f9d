"""Putting the host's way in the place of a library's."""

from __future__ import annotations

from typing import Any


def replace(place: Any, **members: Any) -> None:
    """Sets ``members`` in a module or a class. Through ``Any``: what is put in is not of the
    library's own types, only of their behaviour."""
    for name, member in members.items():
        setattr(place, name, member)
