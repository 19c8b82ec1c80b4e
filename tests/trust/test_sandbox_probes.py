"""R4.8: a hostile program in the sandbox of a loop, on a real Podman: everything it tries is held."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bed.loops import IMAGE

from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.models import Bind, Spec
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.sandbox_box import Boxes, Ended, labels
from aistack_backend.orchestration.loop.home import identity

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]
PODMAN = f"unix://{os.environ.get('AISTACK_TEST_PODMAN', '/run/podman/podman.sock')}"
PROBES = (Path(__file__).with_name("probes_inside.py")).read_text()
HELD = 25
"""Probes that R4.8 names at least."""


class Cell:
    """A sandbox over a workspace of this test."""

    def __init__(self, podman: ApiPodman, folder: Path, unique: str) -> None:
        self.boxes, self.tree, told = Boxes(podman), folder / "tree", folder / "told"
        who = identity(podman.connect())
        for one in (self.tree, told):
            one.mkdir()
        (told / "proof.sh").write_text("true")
        if who.owner:
            os.chown(self.tree, *who.owner)
        self.spec = Spec(
            name=f"aistack-probe-{unique}",
            image=podman.image(IMAGE).id,
            command=("true",),
            labels=labels(unique),
            user=who.user,
            cwd="/workspace",
            deadline=30,
            binds=(
                Bind(source=str(self.tree), destination="/workspace", writable=True),
                Bind(source=str(told), destination="/loop"),
            ),
            fsize=8 << 20,
        )

    def run(self, *command: str, look: str = "", **more: object) -> Ended:
        """Run a program in it."""
        spec = replace(self.spec, command=command, **more)  # type: ignore[arg-type]
        return self.boxes.run(spec, Breaker(), self.grown if look else lambda: "")

    def python(self, text: str, *words: str, look: str = "", **more: object) -> Ended:
        """Run a Python program in it."""
        return self.run("python3", "-c", text, *words, look=look, **more)

    def grown(self) -> str:
        """As a loop looks at its workspace."""
        size = sum(path.stat().st_size for path in self.tree.rglob("*") if path.is_file())
        return "too big" if size > 24 << 20 else ""


@pytest.fixture
def cell(tmp_path: Path, unique: str) -> Iterator[Cell]:
    podman = ApiPodman(PODMAN, os.environ)
    made = Cell(podman, tmp_path, unique)
    yield made
    made.boxes.discard(made.spec.name)
    podman.close()


def test_every_attempt_is_held(cell: Cell, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind(str(tmp_path / "sock"))
        ours.listen()
        ended = cell.python(PROBES, _address(), str(tmp_path / "sock"))
    got: dict[str, str] = json.loads(ended.output.splitlines()[-1])
    assert len(got) >= HELD
    assert {name: said for name, said in got.items() if said} == {}, ended.output
    print(f"tried {len(got)}, held {len(got)}")


def test_a_fork_bomb_stays_inside(cell: Cell) -> None:
    bomb = "import os,time\nn=0\ntry:\n while 1:\n  if os.fork()==0: time.sleep(60)\n  n+=1\nexcept OSError: print(n)"
    ended = cell.python(bomb, deadline=20)
    assert int(ended.output.splitlines()[-1]) < 256
    began = time.monotonic()
    assert cell.run("true").code == 0
    assert time.monotonic() - began < 10, "the machine is itself again"


def test_memory_ends_at_its_limit(cell: Cell) -> None:
    ended = cell.python("x = bytearray(2 << 30); print('got it')")
    assert ended.code != 0
    assert "got it" not in ended.output


@pytest.mark.parametrize("where", ["/tmp/big", "/workspace/big"])
def test_one_big_file_is_cut(cell: Cell, where: str) -> None:
    fill = f"f=open({where!r},'wb')\nfor _ in range(200): f.write(bytes(1<<20)); f.flush()\nprint('filled')"
    ended = cell.python(fill)
    assert "filled" not in ended.output
    assert ended.code != 0


def test_many_files_end_the_program(cell: Cell) -> None:
    fill = "import time\nn=0\nwhile True:\n  open(f'/workspace/{n}','wb').write(bytes(4<<20)); n+=1; time.sleep(0.05)"
    ended = cell.python(fill, look="yes")
    assert ended.killed == "too big"


def test_the_deadline_is_podmans_own(cell: Cell) -> None:
    ended = cell.run("sleep", "60", deadline=2)
    assert ended.code != 0
    assert "ended after its 2 s" in ended.killed


def _address() -> str:
    """An address of this machine that is not loopback, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(one.getsockname()[0])
