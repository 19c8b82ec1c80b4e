"""The facts around an action come from one measured snapshot, and what is not in it is told as unknown."""

from __future__ import annotations

from typing import Any

import pytest

from aistack_backend.approvals.action import Action
from aistack_backend.containers.around import Around
from aistack_backend.wire.actions import Fact, Target
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Provision, Service, ServiceState, Stack

AT = 1_700_000_000.0


def service(ident: str, *users: str, state: ServiceState = ServiceState.OK, **more: Any) -> Service:
    box = f"local-ai-{ident}"
    return Service(
        id=ident, container=box, container_id=f"{ident}-id", title=ident, group="data", provision=Provision.CONTAINER,
        state=state, used_by=users, **more,
    )  # fmt: skip


STACK = Stack(
    at=AT,
    source=Source(name="stack", state=SourceState.OK, since=AT),
    file="stack.yml",
    services=(
        service("qdrant", "aidb", "hybrid", keeps_data=True),
        service("aidb", "open-webui", state=ServiceState.DEGRADED, keeps_data=True, last_backup=AT - 60),
        service("hybrid", "open-webui", "qdrant", state=ServiceState.STOPPED),
        service("open-webui"),
        service("postgres", keeps_data=True, last_backup=AT - 90, backup_verified=AT - 50),
    ),
)


def facts(kind: str, which: str, stack: Stack | None = STACK, **more: Any) -> dict[str, Fact]:
    fields: dict[str, Any] = {"type": "container", "id": f"{which}-id", "name": f"local-ai-{which}"} | more
    action = Action(kind=kind, targets=(Target(**fields),))
    return {one.name: one for one in Around(lambda: stack).facts(action)}


def test_everybody_who_needs_it_is_told_with_what_he_does_now() -> None:
    hit = facts("container.stop", "qdrant")["blast radius"]
    assert hit.text == "2 that run now need it: aidb ok*, open-webui ok; stopped or not measured: hybrid"
    assert (hit.source, hit.at, hit.known) == ("the stack's file and its health ladder", AT, True)
    assert facts("container.kill", "open-webui")["blast radius"].text == "nothing needs it"


def test_a_ring_of_needs_ends() -> None:
    assert "qdrant" not in facts("container.stop", "qdrant")["blast radius"].text
    assert "hybrid" not in facts("container.stop", "hybrid")["blast radius"].text


@pytest.mark.parametrize("kind", ["container.start", "container.unpause", "shell.run", "service.hold"])
def test_what_interrupts_nothing_has_no_radius(kind: str) -> None:
    assert facts(kind, "qdrant").keys() == {"dry run"}


def test_what_is_not_known_says_so() -> None:
    for stack, more in ((None, {}), (STACK, {"name": "other", "id": "x"}), (STACK, {"host": "far"})):
        found = facts("container.remove", "qdrant", stack, **more)
        for name in ("blast radius", "backup"):
            assert not found[name].known, (name, found[name])
            assert found[name].text.startswith("unknown: ")
            assert found[name].at is None


def test_backups_are_told_by_their_age_and_their_proof() -> None:
    assert facts("container.remove", "qdrant")["backup"].text.startswith(
        "none holds the data of qdrant: take one first"
    )
    unproven = facts("container.stop", "aidb")["backup"]
    assert (unproven.text, unproven.at) == (
        "the newest that holds its data, never proven by a trial restore", AT - 60,
    )  # fmt: skip
    assert facts("container.stop", "postgres")["backup"].text == "the newest that holds its data"
    assert facts("container.stop", "open-webui")["backup"].text.startswith("not needed")


def test_which_kinds_were_tried_dry() -> None:
    assert facts("container.restart", "qdrant")["dry run"].text == "none: this kind of action has none"
    for kind in ("stack.up", "volume.remove"):
        assert facts(kind, "qdrant")["dry run"].known
        assert not facts(kind, "qdrant")["dry run"].text.startswith("none")


def test_a_service_is_found_by_its_own_name_or_container() -> None:
    for ident in ("qdrant", "local-ai-qdrant"):
        found = facts("stack.down", "qdrant", type="service", name=ident, id="x")
        assert found["blast radius"].known, ident
