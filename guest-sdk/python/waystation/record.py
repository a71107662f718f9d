"""JSON objects that read like objects."""

from __future__ import annotations

import json
from typing import Any


class Record(dict[str, Any]):
    """A JSON object: a ``dict`` whose keys are attributes too.

    ``record["status"]`` and ``record.status`` are the same. A key that is also the
    name of a method of ``dict`` (``items``, ``keys``, ``get``, …) is reached by
    ``record["items"]`` only. Prints and encodes as a plain ``dict``.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            fields = ", ".join(map(str, self)) or "none"
            raise AttributeError(f"no field {name!r}; there are: {fields}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"no field {name!r}") from None

    def copy(self) -> Record:
        """A shallow copy that is a record again."""
        return Record(self)


def loads(text: str | None) -> Any:
    """The value of a JSON text, its objects as :class:`Record`; None for None."""
    return None if text is None else json.loads(text, object_pairs_hook=Record)
