"""PostgreSQL with pgvector, as the stack runs it: the test bed's image in a container, on a port of loopback."""

from __future__ import annotations

import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from tests.bed.boxes import podman
from tests.bed.stack_images import image

PATIENCE = 60


@contextmanager
def pgvector() -> Iterator[str]:
    """Run it and give its URL; it is removed with its data."""
    name = f"t{uuid.uuid4().hex[:8]}-pgvector"
    flags = ("--pull=never", "--tmpfs=/var/lib/postgresql/data", "-e", "POSTGRES_USER=aistack", "-p", "127.0.0.1::5432")
    podman("run", "-d", *flags, "-e", "POSTGRES_PASSWORD=t", f"--name={name}", image("postgres"), "-c", "fsync=off")
    try:
        place = podman("port", name, "5432/tcp")
        url = f"postgresql+psycopg://aistack:t@{place}/aistack"
        _await(url, name)
        yield url
    finally:
        subprocess.run(["podman", "rm", "-f", "-t", "0", "-v", name], capture_output=True, check=False)


def _await(url: str, name: str) -> None:
    engine, gate = create_engine(url), threading.Event()
    for _ in range(PATIENCE * 5):
        try:
            with engine.connect():
                return
        except OperationalError:
            gate.wait(0.2)
        finally:
            engine.dispose()
    raise TimeoutError(podman("logs", name, check=False))
