"""One stage a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.backend.containers.worlds import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()
