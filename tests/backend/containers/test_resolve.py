"""What a person types, and which container it means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.service import pick
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.wire.containers import Container, ContainerState
from aistack_backend.wire.events import Topic

WEB = Container(id="abcd" + "0" * 60, name="web", image="x", state=ContainerState.RUNNING)
REDIS = replace(WEB, id="abce" + "0" * 60, name="local-ai-redis")
ODD = replace(WEB, id="1234" + "0" * 60, name="abcd0")
ALL = (WEB, REDIS, ODD)


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("web", WEB),
        (WEB.id, WEB),
        ("abcd00", WEB),
        ("local-ai-redis", REDIS),
        ("redis", REDIS),
        ("abce", REDIS),
        ("abcd0", ODD),  # a name comes before the beginning of an id
    ],
)
def test_pick(ref: str, found: Container) -> None:
    assert pick(ref, ALL) is found


def test_ambiguous() -> None:
    with pytest.raises(BadInput, match=r"2 container ids.*local-ai-redis.*web"):
        pick("abc0", (replace(WEB, id="abc0" + "1" * 60), replace(REDIS, id="abc0" + "2" * 60)))


@pytest.mark.parametrize("ref", ["", "wbe", "ab", "ABCD", "web ", "../web", "\x1b[31m", "zzzz"])
def test_nothing_fits(ref: str) -> None:
    with pytest.raises(NotFound) as caught:
        pick(ref, ALL)
    assert caught.value.hint


def test_the_nearest_is_offered() -> None:
    with pytest.raises(NotFound) as caught:
        pick("rediss", ALL)
    assert "local-ai-redis" in caught.value.hint


def test_nothing_exists() -> None:
    with pytest.raises(NotFound) as caught:
        pick("web", ())
    assert caught.value.hint == "There are no containers."


def test_a_container_younger_than_the_list_is_found(stage: Stage) -> None:
    stage.containers.start()
    stage.bus.until(Topic.FLEET, lambda fleet: fleet.at is not None)
    ident = stage.world.add("young")
    assert stage.containers.resolve("young").id == ident


def test_podman_is_away(stage: Stage) -> None:
    stage.world.go_down()
    with pytest.raises(PodmanDown):
        stage.containers.resolve("web")
