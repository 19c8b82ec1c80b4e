"""What a person types, to one container or one sentence."""

from __future__ import annotations

import pytest

from aistack_backend.wire.containers import Container, ContainerState, Fleet
from aistack_backend.wire.sources import Source, SourceState
from aistack_console.verbs.context import VerbError
from aistack_console.verbs.resolve import container

WEB = Container(id="abcd" * 16, name="web", image="i", state=ContainerState.RUNNING)
TWIN = Container(id="abcd" * 15 + "0000", name="twin", image="i", state=ContainerState.RUNNING)


def fleet(*found: Container, state: SourceState = SourceState.OK) -> Fleet:
    source = Source(name="podman", state=state, since=0.0, detail="Nobody answers.", hint="Start it.")
    return Fleet(at=1.0, source=source, containers=found)


@pytest.mark.parametrize("words", ["web", WEB.id, WEB.id[:4]])
def test_a_name_an_id_and_the_beginning_of_an_id_are_taken(words: str) -> None:
    assert container(fleet(WEB), words) is WEB


def test_a_beginning_of_two_ids_names_both() -> None:
    with pytest.raises(VerbError, match=r"abcd begins those of web, twin"):
        container(fleet(WEB, TWIN), "abcd")


@pytest.mark.parametrize("words", ["", "abc", "nosuch"])
def test_what_is_not_there_is_said(words: str) -> None:
    with pytest.raises(VerbError, match="There is no container"):
        container(fleet(WEB), words)


def test_without_podman_nothing_is_said_to_be_missing() -> None:
    with pytest.raises(VerbError, match="is not known: Nobody answers") as caught:
        container(fleet(state=SourceState.ABSENT), "web")
    assert caught.value.hint == "Start it."
