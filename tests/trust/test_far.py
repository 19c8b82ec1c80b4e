"""An agent behind HTTP as the backend asks it: bounded in time and size, told only texts, ended by a stop."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.bed.endpoint import endpoint

from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.memory import MemoryPodman
from aistack_backend.containers.memory_world import World
from aistack_backend.containers.models import Spec
from aistack_backend.containers.sandbox_box import Boxes, Broken
from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.orchestration.loop import asked
from aistack_backend.orchestration.loop.agents import BLOCKED, Turn
from aistack_backend.orchestration.loop.far import LARGEST, SENT, Far, told
from aistack_backend.orchestration.loop.prepare import LoopPart
from aistack_backend.wire.loops import AgentKind, LoopLimits, LoopRequest


def turn(folder: Path, url: str = "http://127.0.0.1:9/", key_file: str = "", seconds: int = 20) -> Turn:
    """A turn over a workspace below that folder."""
    for name in ("tree", "told"):
        (folder / name).mkdir(exist_ok=True)
    request = LoopRequest(
        goal="g",
        source="/src",
        proof="true",
        agent=AgentKind.HTTP,
        endpoint=url,
        key_file=key_file,
        limits=LoopLimits(pass_seconds=seconds),
    )
    return Turn(
        request=request,
        number=2,
        guidance="both",
        last="failed",
        spec=Spec(name="n", image="i", command=("true",), labels={}),
        tree=folder / "tree",
        told=folder / "told",
        breaker=Breaker(),
        look=lambda: "",
    )


def far() -> Far:
    return Far(Boxes(MemoryPodman(World())))


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ({}, 0, "without a change"),
        ({"output": "thinking"}, 0, "thinking"),
        ({"output": "not yet", "blocked": True}, BLOCKED, "not yet"),
        ({"output": ["x"] * 9_000, "blocked": 0}, 0, "['x'"),
    ],
)
def test_an_answer_without_a_change(tmp_path: Path, answer: Any, code: int, says: str) -> None:
    with endpoint(answer) as there:
        ended = far().work(turn(tmp_path, there.url))
    assert (ended.code, says in ended.output) == (code, True)
    assert len(ended.output) <= 4_000


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (b"[]", 200, "no JSON object"),
        (b"", 200, "no JSON"),
        (b"\xff", 200, "no JSON"),
        (b"[" * 100_000, 200, "no JSON"),
        (b" " * (LARGEST + 1), 200, "is over"),
        ({}, 302, "answers 302"),
        ({}, 500, "answers 500"),
    ],
)
def test_what_is_no_answer_is_told_in_one_sentence(tmp_path: Path, answer: Any, status: int, says: str) -> None:
    headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
    with endpoint(answer, status=status, headers=headers) as there:
        with pytest.raises(Unavailable, match=says):
            far().work(turn(tmp_path, there.url))
        assert len(there.asked) == 1


@contextmanager
def drips() -> Iterator[str]:
    """A server that sends one byte now and then, for ever."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as one:
                one.recv(65_536)
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
                while not over.wait(0.05):
                    try:
                        one.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()
        thread.join()


def test_one_that_drips_is_ended_at_the_passs_time(tmp_path: Path) -> None:
    began = time.monotonic()
    with drips() as url, pytest.raises(Unavailable, match="did not come within 1 s"):
        far().work(turn(tmp_path, url, seconds=1))
    assert 0.9 < time.monotonic() - began < 5


def test_a_stop_ends_the_wait_for_it(tmp_path: Path) -> None:
    with drips() as url:
        one = turn(tmp_path, url, seconds=60)
        threading.Timer(0.3, one.breaker.trip).start()
        began = time.monotonic()
        with pytest.raises(Broken):
            far().work(one)
    assert time.monotonic() - began < 3


def test_it_is_told_texts_and_what_is_left_out(tmp_path: Path) -> None:
    one = turn(tmp_path)
    tree = one.tree
    (tree / "a.py").write_text("x = 1\n")
    (tree / "b.bin").write_bytes(b"\0\1")
    (tree / "c.lat").write_bytes(b"\xe9")
    (tree / "big").write_text("x" * (SENT + 1))
    (tree / "link").symlink_to("/etc/passwd")
    os.mkfifo(tree / "pipe")
    (tree / os.fsdecode(b"\xff.py")).write_text("y")
    said = told(one)
    assert said["files"] == {"a.py": "x = 1\n"}
    assert sorted(said["left_out"]) == ["\\udcff.py", "b.bin", "big", "c.lat"]
    assert (said["pass"], said["guidance"], said["last"], said["goal"]) == (2, "both", "failed", "g")


def test_its_key_goes_to_it_and_to_no_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-canary\n")
    key.chmod(0o600)
    with endpoint({}) as there:
        one = turn(tmp_path, there.url, str(key))
        far().work(one)
    assert there.asked[0][1]["authorization"] == "Bearer sk-canary"
    assert "canary" not in str(there.asked[0][2])
    assert not list(one.told.iterdir())


class NoModel:
    """A backend without a model."""

    def loaded(self) -> str:
        raise Unavailable("No model answers now.")

    def open(self, *_: Any) -> Any:
        raise Unavailable("No model answers now.")


@pytest.mark.parametrize("lead", [lambda at: at, lambda at: at.parent.parent / "way" / at.name])
def test_a_key_in_the_copied_folder_is_refused(tmp_path: Path, lead: Callable[[Path], Path]) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (tmp_path / "way").symlink_to(source)
    (source / "key").write_text("sk-x\n")
    (source / "key").chmod(0o600)
    request = LoopRequest(
        goal="g",
        source=str(source),
        proof="true",
        agent=AgentKind.OPENAI,
        model="m",
        endpoint="https://api.example/v1",
        key_file=str(lead(source / "key")),
        price="0/0",
    )
    part = LoopPart(MemoryPodman(World()), NoModel())
    with pytest.raises(BadInput, match="the agent would read it"):
        part.prepare("loop.run", "", asked.canonical(request))


def test_without_a_model_nothing_is_asked_of_a_person(tmp_path: Path) -> None:
    request = LoopRequest(goal="g", source=str(tmp_path), proof="true", agent=AgentKind.LOCAL, model="local")
    with pytest.raises(Unavailable, match="No model answers"):
        LoopPart(MemoryPodman(World()), NoModel()).prepare("loop.run", "", asked.canonical(request))
