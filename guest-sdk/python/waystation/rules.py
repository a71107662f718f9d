"""What the host lets through, as :class:`waystation.testing.FakeHost` keeps it, in the host's
words. Sizes are the host's defaults; its operator may have set others."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

WAIT_MS_MAX = 365 * 24 * 3600 * 1000
PAYLOAD_BYTES_MAX = 512 * 1024
MESSAGE_BYTES_MAX = 1024
EXPORT_NAME_BYTES_MAX = 128
EXPORTS_MAX = 64
MAILS_MAX = 20
RECIPIENTS_MAX = 50
SUBJECT_BYTES_MAX = 900

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_]*", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_ADDRESS = re.compile(
    r"(?=[^@]{1,64}@)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@(?=.{1,253}$)[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*"
)
_OF_THE_HOST = frozenset(
    "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding "
    "upgrade content-length date".split()
)


def wait(argument: str, ms: int) -> None:
    """A wait in milliseconds.

    :raises ValueError: it is 0 or longer than 365 days.
    """
    if not 1 <= ms <= WAIT_MS_MAX:
        raise ValueError(f"{argument}: {ms} ms; 1 to {WAIT_MS_MAX} (365 days) are allowed")


def line(argument: str, text: str) -> None:
    """One line of text.

    :raises ValueError: it is too long, or more than a line.
    """
    size = len(text.encode())
    if size > MESSAGE_BYTES_MAX:
        raise ValueError(
            f"{argument}: {size} bytes; one line of at most {MESSAGE_BYTES_MAX} is allowed"
        )
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        raise ValueError(
            f"{argument}: more than one line, or control characters; one line of text is allowed"
        )


def payload(argument: str, text: str) -> None:
    """JSON text.

    :raises ValueError: it is too large.
    """
    size = len(text.encode())
    if size > PAYLOAD_BYTES_MAX:
        raise ValueError(f"{argument}: {size} bytes; at most {PAYLOAD_BYTES_MAX} are allowed")


def schema(value: Any) -> None:
    """A JSON Schema, as far as can be told without a library for them.

    :raises ValueError: it is neither an object nor a boolean.
    """
    if not isinstance(value, (dict, bool)):
        raise ValueError(
            "resume-schema: not a JSON Schema; an object, true or false is allowed"
        )


def export(name: str, value: Any, others: int) -> None:
    """An export, beside ``others`` of other names.

    :raises ValueError: the name is malformed or the host's, or there are too many.
    """
    size = len(name.encode())
    if size > EXPORT_NAME_BYTES_MAX:
        raise ValueError(f"{name!r}: {size} bytes; at most {EXPORT_NAME_BYTES_MAX} are allowed")
    if not _NAME.fullmatch(name):
        raise ValueError(f'"{name}": a letter or _, then letters, digits and _ are allowed')
    if name.startswith("$") and name != "$summary":
        raise ValueError(f'"{name}": names with $ are the host\'s; $summary alone may be set')
    if name == "$summary":
        if not isinstance(value, str):
            raise ValueError("$summary: a line of text, as a JSON string, is allowed")
    elif others >= EXPORTS_MAX:
        raise ValueError(f"{name}: one export too many; at most {EXPORTS_MAX} are allowed")


def response(status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    """The answer to the trigger's caller.

    :raises ValueError: it is no HTTP, or has what the host sets itself.
    """
    if not 200 <= status <= 599:
        raise ValueError(f"status: {status}; 200 to 599 are allowed")
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f'headers: "{name}" is not a header\'s name')
        if name.lower() in _OF_THE_HOST:
            raise ValueError(f'headers: "{name}" is set by the host')
        if any(ord(letter) < 32 and letter != "\t" or ord(letter) == 127 for letter in value):
            raise ValueError(
                f'headers: the value of "{name}" has characters that no header has'
            )
    if len(body) > PAYLOAD_BYTES_MAX:
        raise ValueError(f"body: {len(body)} bytes; at most {PAYLOAD_BYTES_MAX} are allowed")


def mail(to: list[str], subject: str, text: str | None, html: str | None, sent: int) -> None:
    """A mail, after ``sent`` others of this run.

    :raises ValueError: a field of it is wrong.
    :raises PermissionError: it is one too many.
    """
    if len(to) > RECIPIENTS_MAX:
        raise ValueError(f"to: {len(to)} addresses; at most {RECIPIENTS_MAX} are allowed")
    for address in to:
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f'to: "{address}" is not an address of the form name@host')
    if len(subject.encode()) > SUBJECT_BYTES_MAX or any(
        unicodedata.category(letter) == "Cc" for letter in subject
    ):
        raise ValueError(f"subject: one line of at most {SUBJECT_BYTES_MAX} bytes is allowed")
    if text is None and html is None:
        raise ValueError("text: a mail needs text or html")
    size = len((text or "").encode()) + len((html or "").encode())
    if size > PAYLOAD_BYTES_MAX:
        raise ValueError(f"text, html: {size} bytes; at most {PAYLOAD_BYTES_MAX} are allowed")
    if sent >= MAILS_MAX:
        raise PermissionError(f"one mail too many; at most {MAILS_MAX} a run are allowed")
