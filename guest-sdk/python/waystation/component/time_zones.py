"""zoneinfo without files: every zone of the package tzdata is kept in memory."""

from __future__ import annotations

import importlib.util
import io
import zoneinfo
from importlib import resources
from typing import Any


def install() -> None:
    """Reads the zones, if tzdata is there, and lets zoneinfo find them."""
    if importlib.util.find_spec("tzdata") is None:
        return
    names = resources.files("tzdata").joinpath("zones").read_text().split()
    root = resources.files("tzdata.zoneinfo")
    zones = {name: root.joinpath(*name.split("/")).read_bytes() for name in names}

    def load(key: str) -> Any:
        if key not in zones:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        return io.BytesIO(zones[key])

    zoneinfo._common.load_tzdata = load
    zoneinfo._tzpath.find_tzfile = lambda key: None
    zoneinfo.available_timezones = lambda: set(zones)
