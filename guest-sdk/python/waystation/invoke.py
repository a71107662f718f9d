"""One call of a step's handler."""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Callable
from typing import Any

from .encoding import dumps
from .host import Host
from .pd import Pd


def invoke(handler: Callable[[Pd], Any], host: Host, props: str) -> str | None:
    """Calls ``handler`` and returns its result as JSON text; None when it returned None.

    A coroutine is run to its end. Whatever the handler raises is raised.

    :raises TypeError: the result can't be JSON.
    """
    # The module's generator was seeded when the component was built: without this, every
    # run would draw the same numbers.
    random.seed()
    try:
        result = handler(Pd(host, props))
        if inspect.iscoroutine(result):
            import asyncio

            result = asyncio.run(result)
        return None if result is None else dumps(result, "the return value")
    finally:
        # The instance ends with the call: what is still buffered would be lost.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
