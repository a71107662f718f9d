"""What ``requests`` needs beside ``via_urllib3``."""

from __future__ import annotations

from typing import Any

import requests
import requests.adapters
import requests.sessions

from ..record import Record
from .patch import replace


def install() -> None:
    """No look for certificates, proxies and passwords in files that are not there;
    ``response.json()`` gives records, so that ``response.json().status`` works."""
    replace(requests.adapters.HTTPAdapter, cert_verify=lambda *_, **__: None)
    _without_environment(requests.sessions.Session)
    _with_records(requests.Response)


def _without_environment(session: Any) -> None:
    original = session.__init__

    def __init__(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.trust_env = False

    replace(session, __init__=__init__)


def _with_records(response: Any) -> None:
    original = response.json

    def json(self: Any, **options: Any) -> Any:
        options.setdefault("object_pairs_hook", Record)
        return original(self, **options)

    replace(response, json=json)
