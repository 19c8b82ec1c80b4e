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


@contextmanager
def server(*options: str) -> Iterator[str]:
    """Run one without a TCP port and give its URL; ``options`` are settings, ``fsync=off`` is the default.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
        TimeoutError: it did not start.
    """
    initdb, postgres = program("initdb"), program("postgres")
    if not initdb or not postgres:
        raise FileNotFoundError("no PostgreSQL server is installed here (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="aipg-", dir="/tmp"))
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "nobody")
    data, log = folder / "data", folder / "log"
    run = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C"}, **user}
    subprocess.run(
        [initdb, "-D", data, "-U", "aistack", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        **run,  # type: ignore[call-overload]
    )
    settings = ["listen_addresses=", f"unix_socket_directories={folder}", *(options or ("fsync=off",))]
    words = [word for setting in settings for word in ("-c", setting)]
    with log.open("wb") as output:
        process = subprocess.Popen([postgres, "-D", data, *words], stdout=output, stderr=output, **run)  # type: ignore[call-overload]
    url = f"postgresql+psycopg://aistack@/postgres?host={folder}"
    try:
        _await(url, log)
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # its fast shutdown: waits for nobody
        process.wait(PATIENCE)
        shutil.rmtree(folder)


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
