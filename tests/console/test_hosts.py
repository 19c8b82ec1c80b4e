"""Containers of several machines in words and rows: each says its machine, and is as old as that machine's list."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console import stacked
from tests.console.stage import NOW, source
from tests.console.world import container, fleet

from aistack_backend.wire.containers import ContainerDetail, ContainerState, RemoteHost, Usage, UsageTable
from aistack_backend.wire.sources import SourceState
from aistack_console.present import container as one_container
from aistack_console.present import empty, grouped, overview, resources
from aistack_console.present.log_status import source_rows
from aistack_console.present.logs import LogRing
from aistack_console.present.services import View, listed
from aistack_console.present.stack import container_of
from aistack_console.present.words import word_of
from aistack_console.verbs import resolve
from aistack_console.verbs.context import VerbError
from aistack_console.verbs.exits import Exit
from aistack_console.web.pages import overview as page

AWAY = replace(
    source("host gpu", SourceState.REFUSED, detail="ann@box:22 does not take our key.", hint="Add it."),
    last_ok=NOW - 90,
)
WEB, LLAMA = container("web", host="far"), container("llama", host="gpu")
FLEET = replace(
    fleet(container("web", ContainerState.EXITED, exit_code=0), WEB, LLAMA),
    hosts=(
        RemoteHost(name="far", address="ssh://root@far:22/s", at=NOW, source=source("host far")),
        RemoteHost(name="gpu", address="ssh://ann@box:22/s", at=NOW - 90, source=AWAY),
    ),
)
USED = UsageTable(
    at=NOW,
    rows=tuple(Usage(id=one.ref, at=NOW, cpu_percent=5.0, memory=1 << 20, pids=1) for one in (WEB, LLAMA)),
)


def test_the_list_names_the_machine_and_tells_old_from_new() -> None:
    found = listed(FLEET, USED, View(), down=None, why="", now=NOW)
    rows = {row.cells[0]: row for row in found.rows}
    assert list(rows) == ["far/web", "gpu/llama", "web"]
    assert rows["far/web"].key == f"far/{WEB.id}"
    assert rows["far/web"].cells[3] == "5.0"
    assert rows["gpu/llama"].cells[1] == ("UNKNOWN", "warn")
    assert rows["gpu/llama"].cells[3] == ("-", "dim")
    assert rows["gpu/llama"].cells[-1] == ("was OK 1m30 ago", "warn")
    assert found.problem.startswith("host gpu: refused for 1m00. ann@box:22 does not take our key.")
    assert len(listed(FLEET, USED, View(text="far/"), down=None, why="", now=NOW).rows) == 1


def test_a_stack_has_a_group_for_each_machine_and_takes_none_of_their_containers() -> None:
    far = container("local-ai-postgres", host="far")
    world = grouped.World(
        stack=stacked.HEALTHY,
        fleet=replace(FLEET, containers=(*FLEET.containers, far)),
        usage=USED,
        down=None,
        now=NOW,
        own={},
    )
    rows = grouped.listed(world, View(), {"host far"}).rows
    groups = {row.cells[0]: row.cells[1] for row in rows if row.group}
    assert groups["> host far"] == "2"
    assert groups["v host gpu"] == "1  refused"
    assert [row.key for row in rows[-2:]] == ["group:host gpu", f"gpu/{LLAMA.id}"]
    postgres = next(one for one in stacked.HEALTHY.services if one.container == far.name)
    assert container_of(postgres, replace(FLEET, containers=(far,))) is None
    assert grouped.group_of(far) == "host far"


def test_other_screens_name_it_too() -> None:
    assert [row.cells[0] for row in source_rows(FLEET, LogRing(), (), None, NOW)] == ["far/web", "gpu/llama", "web"]
    needs = overview.needs(
        None, None, replace(FLEET, containers=(replace(WEB, state=ContainerState.DEAD),)), down=None, now=NOW
    )
    assert (needs[0].key, needs[0].cells[2]) == (
        f"service:{WEB.ref}",
        "far/web: its process is gone; Podman still calls it running",
    )
    used = resources.usage_rows(FLEET, USED, "name", now=NOW, down=None)
    assert [row.cells[:2] for row in used] == [("far/web", "5.0"), ("gpu/llama", ("-", "dim"))]
    assert "host gpu" in str(overview.faults(None, FLEET, NOW))
    assert "<td>gpu/llama</td><td>UNKNOWN</td>" in page(None, FLEET, "", NOW)
    detail = ContainerDetail(container=WEB, measured_at=NOW)
    assert "far" in str(one_container.health(WEB, word_of(WEB), detail, NOW)[2])
    assert ("logs", "aistack-console logs --follow far/web") in one_container.copies(WEB)


def test_a_machines_group_tells_how_it_is_reached_or_why_not() -> None:
    assert "ssh://root@far:22/s" in str(empty.machine(FLEET, "host far", NOW))
    assert "does not take our key" in str(empty.machine(FLEET, "host gpu", NOW))
    assert empty.machine(FLEET, "data", NOW) == ()
    assert empty.machine(None, "host far", NOW) == ()


def test_a_verb_takes_a_plain_name_as_this_machines() -> None:
    assert resolve.container(FLEET, "web").host == ""
    assert resolve.container(FLEET, "local/web").host == ""
    assert resolve.container(FLEET, "far/web").host == "far"
    assert resolve.container(FLEET, f"far/{WEB.id[:8]}").host == "far"
    assert resolve.container(FLEET, "gpu/llama").host == "gpu"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("llama", Exit.USAGE, "There is no container llama on this machine; other machines have gpu/llama."),
        ("moon/web", Exit.FAILED, "There is no host moon."),
        (
            "gpu/web",
            Exit.FAILED,
            "Whether there is a container gpu/web is not known: ann@box:22 does not take our key.",
        ),
        ("far/nobody", Exit.FAILED, "There is no container far/nobody."),
    ],
)
def test_what_a_verb_cannot_find_is_one_sentence(words: str, code: Exit, says: str) -> None:
    with pytest.raises(VerbError) as caught:
        resolve.container(FLEET, words)
    assert caught.value.code is code
    assert says in str(caught.value)
