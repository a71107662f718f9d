"""The step's secrets and settings, which the host gives as environment variables."""

from __future__ import annotations

import os

from wit_world.imports import environment


def refresh() -> None:
    """Makes ``os.environ`` this run's. What was read while the component was built, on the
    builder's machine, goes."""
    os.environ.clear()
    os.environ.update(environment.get_environment())
