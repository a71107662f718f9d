"""What a sandbox has not, each tried once: the errors' words. And what it has."""

import asyncio
import http.client
import os
import socket
import subprocess
import threading
import zoneinfo
from datetime import datetime


async def gathered():
    async def one(n):
        await asyncio.sleep(0.001)
        return n

    return await asyncio.gather(one(1), one(2))


def words(what):
    try:
        what()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def handler(pd):
    berlin = datetime(2026, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    return {
        "gathered": asyncio.run(gathered()),
        "offset": berlin.utcoffset().total_seconds(),
        "bare_socket": words(socket.socket),
        "socket": words(lambda: socket.create_connection(("127.0.0.1", 1))),
        "forks": hasattr(os, "fork"),
        "thread": words(lambda: threading.Thread(target=print).start()),
        "process": words(lambda: subprocess.run(["ls"])),
        "file": words(lambda: open("/etc/passwd")),
        "executor": words(lambda: asyncio.run(asyncio.to_thread(print))),
        "tunnel": words(lambda: http.client.HTTPConnection("x").set_tunnel("y")),
    }
