"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.bed.backend import CONSOLE, House, house
from tests.bed.boxes import Boxes
from tests.bed.terminal import Terminal

Opener = Callable[..., Terminal]


@pytest.fixture
def home() -> Iterator[House]:
    """A data directory with no backend yet and no model."""
    with house() as made:
        yield made


@pytest.fixture
def up(home: House) -> House:
    """A house whose backend runs, without a model."""
    home.start()
    return home


@pytest.fixture
def boxes(unique: str) -> Iterator[Boxes]:
    """Containers of this test."""
    made = Boxes(unique)
    yield made
    made.remove()


@pytest.fixture
def console() -> Iterator[Opener]:
    """Opens consoles: ``console(house, "--view-only", columns=160)``; all are closed at the end."""
    with ExitStack() as open_ones:

        def opened(home: House, *words: str, columns: int = 80, lines: int = 24) -> Terminal:
            terminal = Terminal([CONSOLE, *words], home.env, columns, lines)
            return open_ones.enter_context(terminal)

        yield opened
