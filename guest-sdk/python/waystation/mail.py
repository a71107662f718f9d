"""Deliveries that the host makes for the step."""

from __future__ import annotations

from collections.abc import Iterable

from .arguments import optional_text, text as checked_text
from .host import Host


class Send:
    """``pd.send``."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def email(
        self,
        subject: str,
        text: str | None = None,
        html: str | None = None,
        to: str | Iterable[str] | None = None,
    ) -> None:
        """Hands a mail to the host, which delivers it after the run, also when the run fails.

        :param to: an address or several. Default: the owner's, from the host's settings.
        :raises PermissionError: the step's ``allow.email`` is not set.
        :raises ValueError: an address or the subject is malformed.
        """
        if to is None:
            addresses = []
        elif isinstance(to, str):
            addresses = [to]
        else:
            addresses = [checked_text("to", address) for address in to]
        self._host.email(
            addresses,
            checked_text("subject", subject),
            optional_text("text", text),
            optional_text("html", html),
        )
