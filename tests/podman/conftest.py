"""What the tests on real Podman share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.podman_beds import SOCKET, RealBed
from tests.podman.faulty import Proxy, Service


@pytest.fixture
def bed() -> Iterator[RealBed]:
    """Containers that go when the test ends."""
    made = RealBed()
    yield made
    made.close()


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="pm") as folder:
        yield Path(folder)


@pytest.fixture
def service(short: Path) -> Iterator[Service]:
    """A Podman service of our own, not started."""
    made = Service(short / "s.sock")
    yield made
    made.kill(remove=True)


@pytest.fixture
def proxy(short: Path) -> Iterator[Proxy]:
    """A misbehaving socket before the shared service."""
    made = Proxy(short / "p.sock", SOCKET)
    yield made
    made.close()
