"""Actions: pinned to what was seen, with their effect measured."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.approvals.risk import judge
from aistack_backend.containers import effects, pins
from aistack_backend.containers.prepare import CONTAINER_KINDS, KINDS, Preparer
from aistack_backend.errors import BackendError, BadInput, NotFound, Unavailable
from aistack_backend.wire.actions import Risk
from aistack_backend.wire.sources import SourceState

MANAGED = {"io.aistack.managed": "true"}


@pytest.fixture
def preparer(stage: Stage) -> Preparer:
    return Preparer(stage.podman, stage.containers)


def test_the_action_names_the_full_id_and_the_run(stage: Stage, preparer: Preparer) -> None:
    ident = stage.world.add("local-ai-web", labels=MANAGED, ports=((8080, 80),))
    action, evidence = preparer.prepare("container.restart", "web", requester="agent:planner", task_id=7)
    assert action.argv == ("podman", "restart", ident)
    (target,) = action.targets
    assert (target.type, target.id, target.name) == ("container", ident, "local-ai-web")
    assert pins.started_of(target.pin) == stage.podman.inspect(ident).started
    assert (action.requester, action.task_id, action.script, action.env) == ("agent:planner", 7, "", ())
    assert action.image == stage.podman.image("localhost/aistack-probe:1").id
    assert evidence.managed
    assert evidence.title == "restart container local-ai-web"
    assert "127.0.0.1:8080 will not answer meanwhile" in evidence.effect
    assert "No container declares" in evidence.effect


def test_the_same_world_gives_the_same_hash(stage: Stage, preparer: Preparer) -> None:
    stage.world.add("web", env={"B": "2", "A": "1"}, volumes={"v": "/data"})
    hashes = {preparer.prepare("container.stop", "web")[0].hash() for _ in range(20)}
    assert len(hashes) == 1


@pytest.mark.parametrize("change", ["restart", "rename", "image", "env", "command", "volume", "remake"])
def test_another_world_gives_another_hash(stage: Stage, preparer: Preparer, change: str) -> None:
    ident = stage.world.add("web")
    before = preparer.prepare("container.stop", "web")[0]
    box = stage.world.find(ident)

    def remake() -> None:
        stage.podman.remove(ident, force=True)
        stage.world.add("web")

    changes: dict[str, Callable[[], object]] = {
        "restart": lambda: stage.podman.restart(ident, 1),
        "rename": lambda: setattr(box, "name", "other"),
        "image": lambda: setattr(box, "image_id", "0" * 64),
        "env": lambda: box.env.update(LD_PRELOAD="/x.so"),
        "command": lambda: setattr(box, "command", ("rm", "-rf", "/")),
        "volume": lambda: box.volumes.update(v="/data"),
        "remake": remake,
    }
    changes[change]()
    after = preparer.prepare("container.stop", box.name if change == "rename" else "web")[0]
    assert after.hash() != before.hash()


def test_an_unmanaged_container_is_flagged(stage: Stage, preparer: Preparer) -> None:
    stage.world.add("theirs")
    action, evidence = preparer.prepare("container.stop", "theirs")
    assert not evidence.managed
    assert evidence.effect.startswith("It is NOT one of this stack's own objects")
    assert judge(action, managed=evidence.managed).risk is Risk.HIGH


def test_a_label_that_the_image_brought_makes_nothing_managed(stage: Stage, preparer: Preparer) -> None:
    image = stage.world.add_image("localhost/theirs:1", b"x", labels=MANAGED)
    stage.world.add("theirs", labels=MANAGED, image=image.tags[0], image_id=image.id)
    action, evidence = preparer.prepare("container.start", stage.world.add("off", running=False, image_id=image.id))
    assert not evidence.managed
    action, evidence = preparer.prepare("container.stop", "theirs")
    assert not evidence.managed
    assert judge(action, managed=evidence.managed).risk is Risk.HIGH


def test_a_container_whose_image_is_gone_is_not_managed(stage: Stage, preparer: Preparer) -> None:
    stage.world.add("web", labels=MANAGED, image_id="0" * 64)
    assert not preparer.prepare("container.stop", "web")[1].managed


def test_dependants_by_label(stage: Stage, preparer: Preparer) -> None:
    stage.world.add("local-ai-db", labels=MANAGED)
    stage.world.add("api", labels={"io.aistack.depends-on": "db, cache"})
    stage.world.add("web", labels={"com.docker.compose.depends_on": "local-ai-db:service_healthy:false"})
    stage.world.add("other", labels={"io.podman.compose.depends_on": '["cache"]'})
    _, evidence = preparer.prepare("container.stop", "db")
    assert "2 containers depend on it: api, web." in evidence.effect


def test_dependants_by_podman(stage: Stage, preparer: Preparer) -> None:
    ident = stage.world.add("db")
    stage.world.add("side", extra={"HostConfig": {"NetworkMode": f"container:{ident}"}})
    assert "1 container depends on it: side." in preparer.prepare("container.kill", "db")[1].effect


def test_too_many_to_look_at_is_said(stage: Stage, preparer: Preparer) -> None:
    for n in range(effects.LOOKED_AT + 2):
        stage.world.add(f"c{n}", running=n == 0)
    assert "was not measured" in preparer.prepare("container.stop", "c0")[1].effect


def test_remove(stage: Stage, preparer: Preparer) -> None:
    stage.world.add("run", volumes={"data": "/d"})
    stage.world.add("off", running=False)
    running, evidence = preparer.prepare("container.remove", "run")
    assert running.argv[:3] == ("podman", "rm", "--force")
    assert "killed first" in evidence.effect
    assert "Volumes that stay: data." in evidence.effect
    assert evidence.undo.startswith("none")
    assert "--force" not in preparer.prepare("container.remove", "off")[0].argv


@pytest.mark.parametrize("kind", sorted(CONTAINER_KINDS))
def test_every_kind_says_effect_and_undo(stage: Stage, preparer: Preparer, kind: str) -> None:
    ident = stage.world.add("web")
    if kind == "container.unpause":
        stage.podman.pause(ident)
    _, evidence = preparer.prepare(kind, "web")
    assert evidence.effect
    assert evidence.undo
    assert evidence.title == f"{kind.partition('.')[2]} container web"


@pytest.mark.parametrize(
    ("kind", "target", "script", "error", "words"),
    [
        ("container.explode", "web", "", BadInput, "no action"),
        ("", "web", "", BadInput, "no action"),
        ("container.unknown", "web", "", BadInput, "no action"),
        ("container.stop", "", "", BadInput, "No container is named"),
        ("container.stop", "nobody", "", NotFound, "no container"),
        ("container.kill", "off", "", BadInput, "cannot be killed"),
        ("container.pause", "off", "", BadInput, "cannot be paused"),
        ("container.unpause", "web", "", BadInput, "cannot be unpaused"),
        ("shell.run", "", "", BadInput, "no command"),
        ("shell.run", "", "  \n", BadInput, "no command"),
        ("shell.run", "", "a\0b", BadInput, "NUL"),
        ("shell.run", "", "x" * 70_000, BadInput, "64 kB"),
    ],
)
def test_bad_requests(
    stage: Stage, preparer: Preparer, kind: str, target: str, script: str, error: type[BackendError], words: str
) -> None:
    stage.world.add_volume("used")
    stage.world.add("web", volumes={"used": "/d"})
    stage.world.add("off", running=False)
    with pytest.raises(error, match=words) as caught:
        preparer.prepare(kind, target, script)
    assert caught.value.detail.endswith(".")


def test_podman_is_away(stage: Stage, preparer: Preparer) -> None:
    stage.world.go_down(SourceState.HANGING)
    for kind in sorted(KINDS):
        with pytest.raises(Unavailable):
            preparer.prepare(kind, "web", "true")


def test_shell(stage: Stage, preparer: Preparer) -> None:
    action, evidence = preparer.prepare("shell.run", "", "ls -l\nwc -l x", requester="agent:planner")
    assert action.argv == ("/bin/sh", "-c", "ls -l\nwc -l x")
    assert action.script == "ls -l\nwc -l x"
    assert (action.network, action.mounts, action.user, action.targets) == ("none", (), "65534:65534", ())
    assert len(action.image) == 64
    assert evidence.title == "run in a sandbox: ls -l…"
    assert judge(action, managed=evidence.managed).risk in (Risk.LOW, Risk.MEDIUM)


def test_no_image_to_run_shell_commands_in(stage: Stage) -> None:
    preparer = Preparer(stage.podman, stage.containers, "localhost/nothing:1")
    with pytest.raises(Unavailable, match="localhost/nothing:1") as caught:
        preparer.prepare("shell.run", "", "true")
    assert "busybox" in caught.value.hint


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (10**16, "10000.0 TB")]
)
def test_sizes(count: int, text: str) -> None:
    assert effects.size(count) == text
