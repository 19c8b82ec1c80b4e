"""Lists that Podman could not make because one of their objects went away meanwhile: they are asked for again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from aistack_backend.containers.failures import PodmanSays
from aistack_backend.errors import NotFound

T = TypeVar("T")
TRIES = 12
"""While two other programs made and removed images as fast as they could, 4 of 10 lists failed (Podman 4.3)."""
PAUSE = 0.05
"""Seconds before the second try; each further one waits so much longer."""


def whole(ask: Callable[[], T]) -> T:
    """Return what ``ask`` returns once it does not miss an object that it had begun to list; blocks.

    Podman looks at each object of a list after it has listed them, and answers "no such object" for all when one is
    gone by then. A list itself cannot be missing.

    Raises:
        PodmanSays: it was so ``TRIES`` times, for about four seconds. BackendError: whatever else ``ask`` raises.
    """
    for number in range(1, TRIES):
        try:
            return ask()
        except NotFound:
            time.sleep(PAUSE * number)
    try:
        return ask()
    except NotFound as error:
        raise PodmanSays(f"Podman could not make a list {TRIES} times: {error.detail}") from error
