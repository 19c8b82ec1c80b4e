"""A list that Podman could not make is asked for again; what cannot be made is no missing object."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aistack_backend.containers import listing
from aistack_backend.containers.failures import PodmanDown, PodmanSays
from aistack_backend.containers.listing import TRIES, whole
from aistack_backend.errors import NotFound
from aistack_backend.wire.sources import SourceState


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAUSE", 0.0)


def failing(times: int, asked: list[int]) -> Callable[[], str]:
    def ask() -> str:
        asked.append(1)
        if len(asked) <= times:
            raise NotFound("Podman knows no such object: retrieving label for image.")
        return "all"

    return ask


@pytest.mark.parametrize("times", [0, 1, TRIES - 1])
def test_it_is_asked_until_it_is_whole(times: int) -> None:
    asked: list[int] = []
    assert whole(failing(times, asked)) == "all"
    assert len(asked) == times + 1


def test_it_ends_with_a_word_of_podman_and_never_with_not_found() -> None:
    asked: list[int] = []
    with pytest.raises(PodmanSays, match="retrieving label for image"):
        whole(failing(1000, asked))
    assert len(asked) == TRIES


def test_any_other_fault_is_told_at_once() -> None:
    def down() -> None:
        asked.append(1)
        raise PodmanDown("It does not answer.", SourceState.HANGING)

    asked: list[int] = []
    with pytest.raises(PodmanDown):
        whole(down)
    assert len(asked) == 1
