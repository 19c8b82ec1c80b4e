"""A PostgreSQL server of our own on a Unix socket, and how to begin anew on it."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

import aistack_backend.store.schema  # noqa: F401  every table is on the metadata
from aistack_backend.store.tables import metadata

PATIENCE = 20
"""Seconds that anything here may take."""


def program(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs, None when it is not installed."""
    found = shutil.which(name)
    return found or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)  # noqa: PTH207


class Postgres:
    """One server without a TCP port, in a folder of its own; ``url`` leads to it while it runs."""

    def __init__(self, options: tuple[str, ...]) -> None:
        """Make its files; it does not run yet.

        Raises:
            FileNotFoundError: PostgreSQL is not installed.
        """
        initdb, postgres = program("initdb"), program("postgres")
        if not initdb or not postgres:
            raise FileNotFoundError("no PostgreSQL server is installed here (Debian: apt install postgresql)")
        self.folder = folder = Path(tempfile.mkdtemp(prefix="aipg-", dir="/tmp"))
        user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if os.geteuid() == 0 else {}
        if user:
            shutil.chown(folder, "nobody")
        self._run = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C"}, **user}
        subprocess.run(
            [initdb, "-D", folder / "data", "-U", "aistack", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            **self._run,  # type: ignore[call-overload]
        )
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", *(options or ("fsync=off",))]
        words = [word for setting in settings for word in ("-c", setting)]
        self._command = [postgres, "-D", str(folder / "data"), *words]
        self.url = f"postgresql+psycopg://aistack@/postgres?host={folder}"

    def start(self) -> None:
        """Run it and wait until it answers.

        Raises:
            TimeoutError: it does not.
        """
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=output, **self._run)  # type: ignore[call-overload]
        _await(self.url, log)

    def stop(self) -> None:
        """End it; every session is cut."""
        self._process.send_signal(signal.SIGINT)  # its fast shutdown: waits for nobody
        self._process.wait(PATIENCE)


@contextmanager
def server(*options: str) -> Iterator[str]:
    """Run one and give its URL; ``options`` are settings, ``fsync=off`` is the default.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
        TimeoutError: it did not start.
    """
    with running(*options) as postgres:
        yield postgres.url


@contextmanager
def running(*options: str) -> Iterator[Postgres]:
    """As ``server``, and give the server itself, which can be stopped and started again."""
    postgres = Postgres(options)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(postgres.folder)


def emptied(url: str, *tables: str) -> str:
    """Drop our tables, those of DBOS and the named ones; return the URL."""
    engine = create_engine(url)
    metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS dbos CASCADE"))
        for table in tables:
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()
    return url


def _await(url: str, log: Path) -> None:
    engine, deadline = create_engine(url), time.monotonic() + PATIENCE
    while True:
        try:
            engine.connect().close()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL did not start: {log.read_text()}") from error
            Event().wait(0.05)
        else:
            engine.dispose()
            return
