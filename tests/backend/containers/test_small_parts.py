"""Usage samples, the activity feed's words, error answers, sockets, the sandbox's image."""

from __future__ import annotations

import io
import socket
import tarfile
from pathlib import Path

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.containers import failures, sandbox_image, sockets
from aistack_backend.containers.failures import PodmanDown, PodmanSays
from aistack_backend.containers.memory_shell import steps
from aistack_backend.containers.models import Event
from aistack_backend.containers.narrate import Narrator
from aistack_backend.containers.usage import Sampler
from aistack_backend.errors import NotFound, Unavailable
from aistack_backend.wire.containers import Usage
from aistack_backend.wire.sources import SourceState


def usage(ident: str, cpu: float = 50.0, pids: int = 1) -> Usage:
    return Usage(id=ident, at=1.0, cpu_percent=cpu, memory=1, pids=pids)


def test_the_first_sample_of_each_run_is_dropped() -> None:
    sampler = Sampler()
    assert [row.cpu_percent for row in sampler.take([usage("a")], {"a"})] == [None]
    assert [row.cpu_percent for row in sampler.take([usage("a"), usage("b")], {"a", "b"})] == [50.0, None]
    sampler.forget("a")
    assert [row.cpu_percent for row in sampler.take([usage("a"), usage("b")], {"a", "b"})] == [None, 50.0]
    assert sampler.take([usage("a"), usage("b", pids=0)], {"b"}) == ()
    assert [row.cpu_percent for row in sampler.take([usage("a")], {"a"})] == [None]


def event(action: str, **more: object) -> Event:
    fields = {"nanos": 1, "type": "container", "action": action, "id": "a" * 64, "name": "web"} | more
    return Event(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (event("start"), "web started"),
        (event("died", exit_code=3), "web ended, exit code 3"),
        (event("died"), "web ended"),
        (event("health_status", health="healthy"), "web is healthy"),
        (event("start", name=""), "aaaaaaaaaaaa started"),
        (event("levitate"), "web levitate"),
        (event("create", type="volume", name="data"), "volume data: create"),
    ],
)
def test_words(said: Event, text: str) -> None:
    told = Narrator().tell(said)
    assert told is not None
    assert told.text == text


def test_housekeeping_and_unchanged_health_are_quiet() -> None:
    narrator = Narrator()
    assert [narrator.tell(event(word)) for word in ("init", "cleanup", "exec_died")] == [None] * 3
    words = ["healthy", "healthy", "unhealthy", "unhealthy", "healthy"]
    told = [narrator.tell(event("health_status", health=word)) for word in words]
    assert [one is not None for one in told] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b'{"message":"no such container"}', NotFound),
        (500, b'{"message":"no such volume x: no such volume"}', NotFound),
        (500, b'{"message":"x: image not known"}', NotFound),
        (409, b'{"message":"volume is being used"}', PodmanSays),
        (500, b'{"cause":"why","message":""}', PodmanSays),
        (404, b"", PodmanDown),
        (404, b"<html>", PodmanDown),
        (500, b"[1]", PodmanDown),
        (500, b"{}", PodmanDown),
    ],
)
def test_error_answers(status: int, body: bytes, kind: type[Exception]) -> None:
    assert type(failures.from_answer(status, body, "list", "/x.sock")) is kind


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (FileNotFoundError(2, "x"), SourceState.ABSENT),
        (PermissionError(13, "x"), SourceState.REFUSED),
        (ConnectionRefusedError(111, "x"), SourceState.REFUSED),
        (TimeoutError("x"), SourceState.HANGING),
        (OSError("read timed out"), SourceState.HANGING),
        (ConnectionResetError(104, "x"), SourceState.FAILED),
        (ValueError("x"), SourceState.FAILED),
    ],
)
def test_how_podman_is_down_is_found_under_every_wrapping(error: Exception, state: SourceState) -> None:
    try:
        try:
            raise error
        except Exception as inner:
            raise OSError("outer", inner) from inner
    except OSError as outer:
        down = failures.from_exception(outer, "/x.sock")
    assert down.state is state
    assert down.hint
    assert down.detail.endswith(".")


def test_a_socket_that_appears_changes_the_signature(tmp_path: Path) -> None:
    places = (sockets.Place(str(tmp_path / "s"), "test"),)
    before = sockets.signature(places)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        there = sockets.signature(places)
        assert there != before
        assert sockets.signature(places) == there


def test_the_first_that_accepts_is_taken(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        one.listen()
        places = (sockets.Place(str(tmp_path / "none"), "first"), sockets.Place(str(tmp_path / "s"), "second"))
        assert sockets.first(places) == str(tmp_path / "s")


def test_the_image_is_made_when_none_exists(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sandbox_image.ensure(stage.podman).tags == ("localhost/aistack-probe:1",)
    stage.world.images.clear()
    with pytest.raises(Unavailable, match="does not exist"):
        sandbox_image.ensure(stage.podman, "localhost/mine:1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no static busybox"):
        sandbox_image.ensure(stage.podman)
    program = tmp_path / "busybox"
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    program.write_bytes(bytes(header))
    program.chmod(0o755)
    assert sandbox_image.ensure(stage.podman).tags == (sandbox_image.TAG,)
    assert sandbox_image.find(stage.podman) is not None


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF\x01" + bytes(60)])
def test_what_is_no_static_program(tmp_path: Path, data: bytes) -> None:
    program = tmp_path / "p"
    program.write_bytes(data)
    assert not sandbox_image.is_static(program)
    assert not sandbox_image.is_static(tmp_path / "none")


def test_the_root_holds_one_program_and_links(tmp_path: Path) -> None:
    program = tmp_path / "busybox"
    program.write_bytes(b"program")
    made = sandbox_image.root_tar(program, ["sh", "ls"])
    assert made == sandbox_image.root_tar(program, ["sh", "ls"])
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        assert {"bin/busybox", "bin/sh", "bin/ls", "etc/passwd", "tmp"} <= set(tar.getnames())
        assert tar.getmember("bin/sh").linkname == "busybox"
        assert tar.getmember("bin/busybox").mode == 0o755


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        (("true",), [0]),
        (("false",), [1]),
        (("nonsense",), [127]),
        (("sh", "-c", "false; exit 4; echo x"), [4]),
        (("sh", "-c", "false"), [1]),
        (("sh", "-c", "'unclosed"), [127]),
        ((), []),
    ],
)
def test_the_programs_of_the_memory(command: tuple[str, ...], codes: list[int]) -> None:
    assert [step.code for step in steps(command) if step.code is not None][-1:] == codes
