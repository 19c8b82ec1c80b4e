"""The daemon: one for each data folder, a socket never wider than 0600, a clean end, and a way out of the terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aistack_backend.api.daemon.lock import DataLock, holder, own_folder
from aistack_backend.api.daemon.socket import answers, listen
from aistack_backend.api.peers import claims, may_connect, peer_of, user_name
from aistack_backend.errors import Conflict, Refused

BACKEND = str(Path(sys.executable).with_name("aistack-backend"))


class House:
    """A data folder with a short path, and the command line on it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "d"
        self.socket = self.data / "run/backend.sock"
        self.env = {
            **os.environ,
            "AISTACK_CONFIG": str(folder / "config.toml"),
            "AISTACK_DATA_DIR": str(self.data),
            "AISTACK_MODEL_ENABLED": "false",
            "CONTAINER_HOST": f"unix://{folder}/no-podman.sock",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        return subprocess.run([BACKEND, *words], env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def popen(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """Start a verb."""
        return subprocess.Popen(
            [BACKEND, *words], env={**self.env, **more}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def client(self, via: str = "cli") -> httpx.Client:
        """A client on the socket."""
        transport = httpx.HTTPTransport(uds=str(self.socket), retries=3)
        return httpx.Client(
            transport=transport, base_url="http://localhost", headers={"X-Aistack-Via": via}, timeout=20
        )

    def until_answers(self, process: subprocess.Popen[str]) -> None:
        """Wait until requests are answered."""
        tick = threading.Event()
        while process.poll() is None and not answers(self.socket):
            tick.wait(0.01)
        with self.client() as client:
            client.get("/healthz").raise_for_status()


@pytest.fixture
def house() -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="ai-", dir="/tmp"))
    made = House(folder)
    try:
        yield made
    finally:
        if pid := holder(made.data):
            handle = os.pidfd_open(pid)
            os.kill(pid, signal.SIGTERM)
            select.select([handle], [], [], 20)
            os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def test_detached_it_has_no_terminal_and_stop_ends_it(house: House) -> None:
    started = house.run("serve", "--detach")
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    pid = holder(house.data)
    assert pid is not None
    with house.client() as client:
        status = client.get("/v1/status").json()
    assert (status["pid"], status["operator"]) == (pid, user_name(os.getuid()))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    session, terminal = int(fields[3]), int(fields[4])
    assert (session != os.getsid(0), terminal) == (True, 0)
    assert {str(Path(f"/proc/{pid}/fd/{fd}").readlink()) for fd in (0, 1, 2)} == {"/dev/null"}
    assert stat.S_IMODE((house.data / "logs/backend.log").stat().st_mode) == 0o600
    assert house.run("status").stdout.startswith(f"pid {pid}, ")
    assert json.loads(house.run("status", "--json").stdout)["pid"] == pid
    stopped = house.run("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"The backend (pid {pid}) has ended.\n")
    assert not house.socket.exists()
    assert (house.run("stop").returncode, house.run("status").returncode) == (4, 4)


def test_a_second_backend_is_told_the_pid_of_the_first(house: House) -> None:
    assert house.run("serve", "--detach").returncode == 0
    for words in (("serve",), ("serve", "--detach")):
        second = house.run(*words)
        assert second.returncode == 3
        assert f"A backend already runs on {house.data} (pid {holder(house.data)})" in second.stderr
        assert len(second.stderr.strip().splitlines()) == 1
    assert house.run("status").returncode == 0


def test_eight_at_once_and_one_serves(house: House) -> None:
    crowd = [house.popen("serve", "--detach") for _ in range(8)]
    codes = sorted(process.wait(60) for process in crowd)
    assert codes == [0, *[3] * 7]
    for process in crowd:
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_open_streams(house: House, number: signal.Signals) -> None:
    process = house.popen("serve")
    house.until_answers(process)
    with house.client() as client, client.stream("GET", "/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("id: ")
        process.send_signal(number)
        with contextlib.suppress(httpx.HTTPError):
            for _ in lines:
                pass
    output, _ = process.communicate(timeout=15)
    assert process.returncode == 0, output
    assert not house.socket.exists()
    check = house.run("audit", "verify", "--json")
    assert (check.returncode, json.loads(check.stdout)["ok"]) == (0, True)


def test_a_second_signal_ends_it_at_once(house: House) -> None:
    process = house.popen("serve")
    house.until_answers(process)
    with house.client() as client, client.stream("GET", "/v1/events") as stream:
        next(stream.iter_lines())
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode in (0, 1)  # 0: the first was enough
    assert house.run("serve", "--detach").returncode == 0


def test_a_closed_terminal_does_not_end_it(house: House) -> None:
    process = house.popen("serve")
    house.until_answers(process)
    process.send_signal(signal.SIGHUP)
    with house.client() as client:
        assert client.get("/v1/status").status_code == 200
        assert client.post("/v1/shutdown").status_code == 202
    assert process.wait(20) == 0
    process.communicate()


def test_after_kill_9_the_next_one_starts_and_resumes_nothing_old(house: House) -> None:
    process = house.popen("serve")
    house.until_answers(process)
    with house.client() as client, client.stream("GET", "/v1/events") as stream:
        old = next(stream.iter_lines()).removeprefix("id: ")
    process.kill()
    process.communicate()
    assert house.socket.exists()
    assert house.run("serve", "--detach").returncode == 0
    with house.client() as client, client.stream("GET", "/v1/events", headers={"Last-Event-ID": old}) as stream:
        new = next(stream.iter_lines()).removeprefix("id: ")
    assert new.split(":")[0] != old.split(":")[0]


def test_the_socket_is_never_wider_than_0600(house: House) -> None:
    seen: set[int] = set()
    looks = 0
    for _ in range(3):
        process = house.popen("serve")
        while process.poll() is None:
            looks += 1
            with contextlib.suppress(FileNotFoundError):
                seen.add(stat.S_IMODE(house.socket.lstat().st_mode))
            if looks % 50 == 0 and answers(house.socket):
                break
        process.terminate()
        process.communicate(timeout=20)
    assert (seen, looks >= 50) == ({0o600}, True)


def test_the_peer_is_who_the_kernel_says(house: House) -> None:
    assert house.run("serve", "--detach").returncode == 0
    spoof = {"X-Peer-Uid": "4242", "X-Remote-User": "mallory", "X-Forwarded-User": "mallory", "X-Aistack-Via": "root"}
    with house.client() as client:
        assert client.get("/v1/status", headers=spoof).json()["operator"] == user_name(os.getuid())
        client.post("/v1/shutdown", headers={**spoof, "Content-Type": "application/json"}).raise_for_status()
    house.run("stop")  # waits for its end, where it has not ended yet
    assert house.run("serve", "--detach").returncode == 0
    with house.client() as client:
        records = client.get("/v1/audit").json()["records"]
    asked = [one["actor"] for one in records if (one["kind"], one["via"]) == ("backend.stop", "api")]
    assert asked == [f"operator:{user_name(os.getuid())}"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[modle]\n", "config.toml:1: there is no section [modle]; did you mean model?"),
        ("[approvals]\naudit = false\n", "config.toml:2: the audit log cannot be switched off"),
        ("[approvals]\nthreshold = 'extreme'\n", "must be one of none, low, medium, high"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_code_2(house: House, text: str, says: str) -> None:
    Path(house.env["AISTACK_CONFIG"]).write_text(text)
    for words in (("serve",), ("serve", "--detach"), ("config", "explain")):
        refused = house.run(*words)
        assert refused.returncode == 2
        assert says in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not house.data.exists()


def test_explain_doctor_and_verify_need_no_backend(house: House) -> None:
    house.env["RALPH_APPROVAL_THRESHOLD"] = "high"
    rows = json.loads(house.run("config", "explain", "--json").stdout)
    threshold = next(row for row in rows if row["key"] == "approvals.threshold")
    assert (threshold["value"], threshold["source"]) == ("high", "$RALPH_APPROVAL_THRESHOLD")
    doctor = house.run("doctor")
    assert doctor.returncode == 1
    assert "does not answer" in doctor.stdout
    assert house.run("audit", "verify").returncode == 2
    assert "exit codes:" in house.run("--help").stdout


def test_an_unreadable_database_is_a_banner_and_not_a_crash(house: House) -> None:
    house.data.mkdir(mode=0o700)
    (house.data / "aistack.db").write_bytes(b"no database " * 500)
    assert house.run("serve", "--detach").returncode == 0
    with house.client() as client:
        status = client.get("/v1/status").json()
        assert "aistack.db" in status["banner"]
        assert client.get("/v1/approvals").status_code == 503
        assert client.get("/v1/containers").status_code == 200


def test_a_data_folder_that_cannot_be_made_is_a_sentence(house: House) -> None:
    house.data.write_text("a file")
    refused = house.run("serve", "--detach")
    assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (1, 1)
    assert f"{house.data} is no folder of its own" in refused.stderr
    house.env["AISTACK_DATA_DIR"] = str(house.data / "below")
    refused = house.run("serve")
    assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (1, 1)
    assert f"The data folder {house.data}/below cannot be used" in refused.stderr


def test_folders_that_others_can_change_are_refused(tmp_path: Path) -> None:
    assert stat.S_IMODE(own_folder(tmp_path / "a" / "b").stat().st_mode) == 0o700
    loose = tmp_path / "loose"
    loose.mkdir()
    loose.chmod(0o755)
    assert stat.S_IMODE(own_folder(loose).stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(loose)
    with pytest.raises(Refused, match="no folder of its own"):
        own_folder(tmp_path / "link")
    loose.chmod(0o777)
    with pytest.raises(Refused, match="can be written by everybody"):
        own_folder(loose / "data")
    if os.getuid() == 0:
        loose.chmod(0o700)
        os.chown(loose, 4242, 4242)
        with pytest.raises(Refused, match="belongs to uid 4242"):
            own_folder(loose)
        with pytest.raises(Refused, match="belongs to uid 4242"):
            own_folder(loose / "data")


def test_only_a_dead_socket_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = listen(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Conflict, match="already listens"):
        listen(path)
    first.close()
    assert path.exists()
    listen(path).close()
    path.unlink()
    path.write_text("precious")
    with pytest.raises(Refused, match="is not a socket"):
        listen(path)
    assert path.read_text() == "precious"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="is not a socket"):
        listen(path)


def test_the_lock_is_let_go_with_its_process(tmp_path: Path) -> None:
    with DataLock(tmp_path):
        assert holder(tmp_path) == os.getpid()
        with pytest.raises(Conflict, match=f"pid {os.getpid()}"), DataLock(tmp_path):
            pass
    assert holder(tmp_path) is None
    with (tmp_path / "backend.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write("garbage")
        other.flush()
        assert holder(tmp_path) is None


def test_peers_are_read_from_the_kernel(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        peer = peer_of(ours)
    assert peer is not None
    assert (peer.uid, peer.pid, peer.user) == (os.getuid(), os.getpid(), user_name(os.getuid()))
    assert may_connect(peer)
    assert not may_connect(None)
    with socket.socket(socket.AF_INET) as tcp:
        assert peer_of(tcp) is None
    assert user_name(4_000_000_000) == "uid:4000000000"


def test_what_a_session_claims_is_taken_from_its_environment(tmp_path: Path) -> None:
    place = tmp_path / "7"
    (place / "fd").mkdir(parents=True)
    (place / "environ").write_bytes(b"HOME=/x\0SSH_CONNECTION=10.0.0.1 5 10.0.0.2 22\0SECRET=no\0")
    (place / "fd/0").symlink_to("/dev/pts/3")
    assert claims(7, tmp_path) == "SSH_CONNECTION=10.0.0.1 5 10.0.0.2 22 tty=/dev/pts/3"
    assert claims(8, tmp_path) == ""
