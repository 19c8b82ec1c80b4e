"""The model's socket as a hostile program in the sandbox meets it: it can ask the model, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bed.loops import IMAGE
from tests.bed.speaking import LOOP, Repeats, call, served

from aistack_backend.containers.aside import Breaker
from aistack_backend.containers.models import Bind, Spec
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.sandbox_box import Boxes, labels
from aistack_backend.orchestration.loop.agents import tell
from aistack_backend.orchestration.loop.home import identity

pytestmark = [pytest.mark.podman, pytest.mark.core, pytest.mark.timeout(120)]
PODMAN = f"unix://{os.environ.get('AISTACK_TEST_PODMAN', '/run/podman/podman.sock')}"
PROBES = r"""
import ctypes, json, os, socket, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
def raw(text):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect("/model/model.sock")
        one.sendall(text.encode())
        return one.recv(4096).decode(errors="replace")
def route(method, path, host="localhost"):
    kind = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n" "{}"
    first = raw(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{kind}").split("\r\n")[0]
    return "" if first.split(" ")[1] in ("400", "403", "404", "405", "415", "421", "422") else f"{path}: {first}"
def other(name):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(2)
        one.connect(name)
    return f"connected to {name!r}"
def own():
    with socket.socket(socket.AF_UNIX) as one: one.bind("/model/mine.sock")
    return "made a socket"
def mounted(flags):
    if libc.mount(None, b"/model", None, flags, None) >= 0: return "remounted"
    raise OSError(ctypes.get_errno(), "no")
def did(what): return lambda: str(what() or "done")
PATHS = ("/", "/health", "/metrics", "/v1/status", "/v1/approvals", "/v1/approvals/1", "/v1/audit", "/v1/events",
         "/v1/tasks", "/v1/openapi.json", "/v1/chats", "/v1/rules", "/v1/containers", "/v1/models/x", "/v1/models/",
         "/ralph/execute", "/llama/v1/models", "//v1/models", "/v1//models", "/v1/models/../status",
         "/v1/models/%2e%2e/status", "/v1/chat/completions/../../approvals", "http://127.0.0.1/v1/status")
probes = {
    **{f"GET {path}": (lambda path=path: route("GET", path)) for path in PATHS},
    **{f"POST {path}": (lambda path=path: route("POST", path)) for path in (
        "/v1/approvals/1/decision", "/v1/approvals/1/edit", "/v1/tasks/goal", "/v1/tasks/action", "/v1/shutdown",
        "/v1/tasks/stop-all", "/v1/rules", "/v1/models/x/use", "/v1/models/x/fetch", "/v1/loops", "/execute",
        "/v1/completions", "/v1/embeddings")},
    "another host": lambda: route("GET", "/v1/models", "evil.example"),
    "a proxy's request": lambda: route("CONNECT", "127.0.0.1:22"),
    "write beside the socket": did(lambda: open("/model/x", "w").close()),
    "remove the socket": did(lambda: os.unlink("/model/model.sock")),
    "rename the socket": did(lambda: os.rename("/model/model.sock", "/model/other")),
    "put a socket there": own,
    "link it elsewhere": did(lambda: os.link("/model/model.sock", "/workspace/model.sock")),
    "change its mode": did(lambda: os.chmod("/model/model.sock", 0o777)),
    "go above it": lambda: "sees a data folder" if os.path.exists("/model/../backend.sock") else "",
    "anything else there": lambda: "" if os.listdir("/model") == ["model.sock"] else str(os.listdir("/model")),
    "remount it": lambda: mounted(0x20),
    "unmount it": lambda: "" if libc.umount2(b"/model", 2) < 0 else "unmounted",
    "the operator's socket": lambda: other(sys.argv[1]),
    "an abstract socket of the machine": lambda: other("\0" + sys.argv[2]),
    "Podman": lambda: other("/run/podman/podman.sock"),
    "a port of the machine": lambda: str(socket.create_connection(("127.0.0.1", int(sys.argv[3])), 2) or "connected"),
    "a device there": did(lambda: os.mknod("/model/d", 0o600 | stat.S_IFCHR, os.makedev(1, 3))),
    "a big head": lambda: "taken" if " 200 " in raw("GET /v1/models HTTP/1.1\r\nX: " + "x" * 40_000) else "",
    "a second request in the first": lambda: "" if raw(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ).count(" 200 ") == 0 else "answered",
}
got = {}
for name, attempt in probes.items():
    try: got[name] = attempt()
    except OSError: got[name] = ""
print(json.dumps(got))
"""
ASKS = (
    "import json,os,urllib.request as u;"
    "print(json.load(u.urlopen(os.environ['OPENAI_BASE_URL']+'/models'))['data'][0]['id'])"
)


class Cell:
    """A sandbox with a model's socket, as a loop's agent has it."""

    def __init__(self, podman: ApiPodman, folder: Path, unique: str) -> None:
        self.boxes, self.model = Boxes(podman), folder / "model"
        who = identity(podman.connect())
        tree, told = folder / "tree", folder / "told"
        self.model.mkdir(mode=0o755)
        tree.mkdir()
        tell(told, LOOP, 1, "", "")
        if who.owner:
            os.chown(tree, *who.owner)
        self.spec = Spec(
            name=f"aistack-model-{unique}",
            image=podman.image(IMAGE).id,
            command=("true",),
            labels=labels(unique),
            user=who.user,
            cwd="/workspace",
            deadline=60,
            binds=(
                Bind(source=str(tree), destination="/workspace", writable=True),
                Bind(source=str(told), destination="/loop"),
                Bind(source=str(self.model), destination="/model"),
            ),
        )

    def run(self, *command: str) -> tuple[int, str]:
        """Run a program in it."""
        ended = self.boxes.run(replace(self.spec, command=command), Breaker())
        return ended.code, ended.output


@pytest.fixture
def cell(tmp_path: Path, unique: str) -> Iterator[Cell]:
    podman = ApiPodman(PODMAN, os.environ)
    made = Cell(podman, tmp_path, unique)
    yield made
    made.boxes.discard(made.spec.name)
    podman.close()


def test_every_attempt_at_the_socket_is_held(cell: Cell, tmp_path: Path, unique: str) -> None:
    with (
        served(cell.model, Repeats()) as meter,
        socket.socket(socket.AF_UNIX) as ours,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.create_server(("127.0.0.1", 0)) as port,
    ):
        ours.bind(str(tmp_path / "backend.sock"))
        ours.listen()
        abstract.bind(f"\0{unique}")
        abstract.listen()
        words = (str(tmp_path / "backend.sock"), unique, str(port.getsockname()[1]))
        code, said = cell.run("python3", "-c", PROBES, *words)
        assert code == 0, said
        got: dict[str, str] = json.loads(said.splitlines()[-1])
        assert {name: text for name, text in got.items() if text} == {}
        assert len(got) >= 55
        assert meter.taken()[1].tokens == 0, "nothing of it reached the model"
        assert stat.S_IMODE((cell.model / "model.sock").stat().st_mode) == 0o666
        print(f"tried {len(got)}, held {len(got)}")


def test_many_connections_starve_nobody_else(cell: Cell) -> None:
    flood = (
        "import socket\nheld=[]\n"
        "for _ in range(300):\n"
        "    one=socket.socket(socket.AF_UNIX); one.settimeout(5); one.connect('/model/model.sock')\n"
        "    one.sendall(b'GET /v1/models HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'); held.append(one.recv(200))\n"
        "print(sum(b' 200 ' in one for one in held), sum(b' 503 ' in one for one in held), len(held))\n"
    )
    with served(cell.model, Repeats()):
        code, said = cell.run("python3", "-c", flood)
        assert call(cell.model, "GET", "/v1/models")[0] in (200, 503)
    assert code == 0, said
    served_, refused, tried = map(int, said.split())
    assert served_ + refused == tried == 300
    assert served_ >= 1


def test_the_relay_gives_it_an_address_and_the_programs_exit_code(cell: Cell) -> None:
    with served(cell.model, Repeats()):
        assert cell.run("python3", "/loop/relay.py", "python3", "-c", ASKS) == (0, "small")
        assert cell.run("python3", "/loop/relay.py", "sh", "-c", "exit 7")[0] == 7
        code, said = cell.run("python3", "/loop/relay.py", "aider")
        assert (code, said) == (127, "relay: aider: No such file or directory")


def test_without_a_backend_it_is_told_so_and_a_new_one_is_found(cell: Cell) -> None:
    waits = (
        "import http.client, os, time, urllib.request as u, urllib.error\n"
        "seen = []\n"
        "for _ in range(400):\n"
        "    try:\n"
        "        with u.urlopen(os.environ['OPENAI_BASE_URL'] + '/models') as answer: now = answer.status\n"
        "    except (OSError, http.client.HTTPException): now = 0\n"
        "    if seen[-1:] != [now]:\n"
        "        seen.append(now)\n"
        "        open('/workspace/seen', 'w').write(str(seen))\n"
        "    if seen == [200, 0, 200]: break\n"
        "    time.sleep(0.05)\n"
        "print(seen)\n"
    )
    tree = Path(cell.spec.binds[0].source)
    spec = replace(cell.spec, command=("python3", "/loop/relay.py", "python3", "-c", waits))
    with served(cell.model, Repeats()):
        ident = cell.boxes.open(spec, Breaker())
        _until(tree / "seen", "[200]")
    _until(tree / "seen", "[200, 0]")
    with served(cell.model, Repeats()):
        ended = cell.boxes.run(spec, Breaker())
    assert ident
    assert ended.output.splitlines()[-1] == "[200, 0, 200]", ended.output


def _until(file: Path, text: str) -> None:
    from tests.bed.backend import wait_until

    wait_until(lambda: file.exists() and file.read_text() == text, 30, lambda: file.read_text())
