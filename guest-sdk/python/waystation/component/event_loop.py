"""asyncio without sockets: a loop that runs what is ready and sleeps until the next timer."""

from __future__ import annotations

import asyncio
import asyncio.events
import time
from typing import Any

from .lacking import PROCESSES, SOCKETS, THREADS, refusing
from .patch import replace


class Loop(asyncio.BaseEventLoop):
    """An event loop whose only outside event is the clock."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self  # BaseEventLoop asks its selector for events: here, this

    def select(self, timeout: float | None) -> list[Any]:
        """Waits as long as BaseEventLoop wants to wait."""
        if timeout is None:
            raise RuntimeError("the step awaits something that nothing in it will do")
        if timeout > 0:
            time.sleep(timeout)
        return []

    def _process_events(self, events: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass  # wakes the loop from other threads; there are none


def install() -> None:
    """Makes it the loop of ``asyncio.run``."""
    no_sockets, no_processes = refusing(OSError, SOCKETS), refusing(OSError, PROCESSES)
    replace(
        Loop,
        run_in_executor=refusing(RuntimeError, THREADS),
        getaddrinfo=no_sockets,
        create_connection=no_sockets,
        create_server=no_sockets,
        create_datagram_endpoint=no_sockets,
        create_unix_connection=no_sockets,
        subprocess_exec=no_processes,
        subprocess_shell=no_processes,
    )
    for module in (asyncio, asyncio.events):
        replace(module, new_event_loop=Loop)
    asyncio.run(_nothing())  # imports what asyncio.run imports late


async def _nothing() -> None:
    await asyncio.sleep(0)
