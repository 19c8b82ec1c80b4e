"""A store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aistack_backend.store.database import Database

from .ground import store


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    held = store(tmp_path)
    yield held
    held.close()
