"""What every test stands on: its own folders, and a Podman and an engine that are really there, or a clear word."""

from __future__ import annotations

import functools
import http.client
import os
import socket
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that tests can import tests.bed

CI = os.environ.get("CI") == "true"
PODMAN_SOCKET = Path(os.environ.get("AISTACK_TEST_PODMAN", "/run/podman/podman.sock"))
NEEDS = {
    "podman": "Podman's API does not answer; run `make testbed`",
    "core": "the image localhost/aistack-core:1 is missing; run `make testbed`",
    "stack": "the images of the stack's services are missing or older than their sources; run `make testbed`",
    "pgvector": "the image of PostgreSQL with pgvector is missing; run `make testbed`",
    "engine": "the built engine, the small model or that for vectors is not in the cache; `make test` puts them there",
}


class _Unix(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(str(PODMAN_SOCKET))


def podman_answers(path: str) -> bool:
    """Ask Podman's API for ``path``; True when it says 200 or 204. A busy store (500) is asked again."""
    for pause in (0.2, 1.0, 3.0, 0.0):
        connection = _Unix("d")
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if status < 500:
            return status in (200, 204)
        threading.Event().wait(pause)
    return False


@functools.cache
def there(what: str) -> bool:
    """Say whether a marked test's need is met on this machine."""
    if what == "podman":
        return podman_answers("/v4.0.0/libpod/_ping")
    if what == "core":
        return podman_answers("/v4.0.0/libpod/images/localhost%2Faistack-core:1/exists")
    if what == "pgvector":
        from tests.bed.stack_images import image

        return podman_answers(f"/v4.0.0/libpod/images/{image('postgres').replace('/', '%2F')}/exists")
    if what == "stack":
        from tests.bed.stack_images import variables

        names = [name.replace("/", "%2F") for name in variables().values()]
        return all(podman_answers(f"/v4.0.0/libpod/images/{name}/exists") for name in names)
    from aistack_backend.inference import catalogue, fetch, wheel

    cache = Path(os.environ["AISTACK_CACHE_DIR"])
    models = (catalogue.SMALL, catalogue.EMBEDDING)
    return wheel.site_folder(cache).is_dir() and all(fetch.model_file(cache, one).is_file() for one in models)


def pytest_configure(config: pytest.Config) -> None:
    """Point everything that a test may touch at folders of its own, but keep the real cache."""
    config.addinivalue_line("markers", "stack: needs the images of the stack's services")
    config.addinivalue_line("markers", "pgvector: needs the image of PostgreSQL with pgvector, and Podman")
    config.addinivalue_line("markers", "core: needs the image localhost/aistack-core:1")
    environ = os.environ
    home_cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aistack"
    environ.setdefault("AISTACK_CACHE_DIR", str(home_cache))
    for name in [name for name in environ if name.startswith(("RALPH_", "AISTACK_")) and name not in _KEPT]:
        del environ[name]
    for name in ("CONTAINER_HOST", "DOCKER_HOST", "NO_COLOR", "SSH_CONNECTION", "TMUX"):
        environ.pop(name, None)


_KEPT = {"AISTACK_CACHE_DIR", "AISTACK_TEST_PODMAN"}


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test empty XDG folders, so that none reads or writes the person's own."""
    base = tmp_path_factory.mktemp("xdg")
    for name in ("CONFIG", "DATA", "STATE"):
        folder = base / name.lower()
        folder.mkdir()
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder))
    return base


@pytest.fixture
def podman_socket() -> Path:
    """The path of Podman's API socket; the test that asks for it is marked ``podman``."""
    return PODMAN_SOCKET


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a PostgreSQL of our own on a Unix socket; give its URL."""
    from tests.bed.postgres import program, server

    if not program("initdb"):
        pytest.skip("no PostgreSQL server is installed here (Debian: apt install postgresql)")
    with server() as url:
        yield url


@pytest.fixture
def unique() -> str:
    """A prefix for names of containers and volumes that no other test has."""
    return f"t{uuid.uuid4().hex[:8]}-"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without its need a marked test is not run and says so; with CI=true that is a failure."""
    for what, sentence in NEEDS.items():
        if item.get_closest_marker(what) and not there(what):
            if CI:
                pytest.fail(sentence, pytrace=False)
            pytest.skip(sentence)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what could not be run."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section(f"NOT RUN: {len(skipped)} tests; the reasons are above")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With CI=true nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if CI and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
