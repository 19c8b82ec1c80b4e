"""The rule planner reads plain verbs and refuses, with the nearest words, what it cannot read."""

from __future__ import annotations

import pytest

from aistack_backend.errors import BackendError, BadInput, NotFound
from aistack_backend.orchestration.memory import MemoryShips
from aistack_backend.orchestration.rules import meanings, plan

KINDS = (
    *(f"container.{verb}" for verb in ("kill", "pause", "remove", "restart", "start", "stop", "unpause")),
    *("shell.run", "volume.remove"),
)
SHIPS = MemoryShips(
    ("web", "docker.io/library/nginx:1.25"),
    ("local-ai-redis", "docker.io/library/redis:7"),
    ("db", "docker.io/library/postgres@sha256:abc"),
    ("worker-1", "localhost/job:1"),
    ("worker-2", "localhost/job:1"),
    ("Cache", "localhost/other:1"),
).containers
ID = {container.name: container.id for container in SHIPS}


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("restart web", "container.restart", "web"),
        ("Restart the nginx container", "container.restart", "web"),
        ("please restart the container named web.", "container.restart", "web"),
        ("could you reboot db now", "container.restart", "db"),
        ("stop redis", "container.stop", "local-ai-redis"),
        ("shut down local-ai-redis", "container.stop", "local-ai-redis"),
        ("turn off the postgres container", "container.stop", "db"),
        ("turn on cache", "container.start", "Cache"),
        ("STOP CACHE", "container.stop", "Cache"),
        ("kill worker-2", "container.kill", "worker-2"),
        ("freeze web", "container.pause", "web"),
        ("resume web", "container.unpause", "web"),
        ("delete container worker-1", "container.remove", "worker-1"),
    ],
)
def test_plain_verbs_on_one_container(text: str, kind: str, target: str) -> None:
    proposal = plan(text, KINDS, SHIPS)
    assert (proposal.kind, proposal.target, proposal.script, proposal.planner) == (kind, ID[target], "", "rules")


def test_a_unique_beginning_of_an_id_is_a_name() -> None:
    ships = MemoryShips(("web", "nginx"), ("db", "postgres")).containers
    assert plan(f"stop {ships[1].id}", KINDS, ships).target == ships[1].id
    with pytest.raises(BadInput, match="could be any of db, web"):
        plan("stop 00000000", KINDS, ships)


@pytest.mark.parametrize("text", ["remove volume pg-data", "delete the volume pg-data", "rm volume named pg-data"])
def test_a_volume_is_removed_by_its_name(text: str) -> None:
    proposal = plan(text, KINDS, SHIPS)
    assert (proposal.kind, proposal.target) == ("volume.remove", "pg-data")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("run `df -h`", "df -h"),
        ("please execute `ls /tmp; echo done`.", "ls /tmp; echo done"),
        ("run the command `podman stop web`", "podman stop web"),
        ("$ uname -a", "uname -a"),
    ],
)
def test_a_command_is_taken_byte_for_byte(text: str, script: str) -> None:
    proposal = plan(text, KINDS, SHIPS)
    assert (proposal.kind, proposal.target, proposal.script) == ("shell.run", "", script)


@pytest.mark.parametrize(
    ("text", "error", "says", "hint"),
    [
        ("restart wbe", NotFound, "There is no container 'wbe'.", "Nearest: web"),
        ("restrat web", BadInput, "did you mean 'restart' for 'restrat'?", "restart web"),
        ("restart", BadInput, "Which container is to restart?", "Say e.g."),
        ("web", BadInput, "no verb in it that the rules know", "Say e.g."),
        ("stop web and start db", BadInput, "asks for start and stop at once", "Say e.g."),
        ("stop web and db", BadInput, "'web db' is more than one container name", "Say e.g."),
        ("do not stop web", BadInput, "do not follow 'not'", "Say e.g."),
        ("don't restart web", BadInput, 'do not follow "don\'t"', "Say e.g."),
        ("stop all containers", BadInput, "do not follow 'all'", "Say e.g."),
        ("restart job", BadInput, "'job' could be any of worker-1, worker-2", "one full name"),
        ("remove volume", BadInput, "Which volume is to remove?", "Say e.g."),
        ("stop volume data", BadInput, "volume.stop cannot be run here", "What can: container.kill"),
        ("run the backup", BadInput, "no verb", "Say e.g."),
        ("run ``", BadInput, "no verb", "Say e.g."),
        ("", BadInput, "no verb", "Say e.g."),
    ],
)
def test_what_it_cannot_read_is_refused_in_one_sentence(
    text: str, error: type[BackendError], says: str, hint: str
) -> None:
    with pytest.raises(error) as refused:
        plan(text, KINDS, SHIPS)
    assert says in refused.value.detail
    assert hint in refused.value.hint


def test_a_kind_that_nothing_runs_is_refused() -> None:
    with pytest.raises(BadInput, match=r"shell\.run cannot be run here"):
        plan("run `ls`", ("container.stop",), SHIPS)


def test_meanings_are_the_verbs_of_a_text() -> None:
    assert meanings("please turn off web, then reboot db") == {"stop", "restart"}
    assert meanings("web is slow") == set()
