"""A PostgreSQL session that holds a name, and proves once a second that it still does.

The server gives the name away a moment after the holder stops to prove it: killed, cut off, or asleep. The holder
knows that earlier than the server, by a clock of its own machine alone.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

BEAT = 1.0
"""Seconds between two proofs."""
LIFE = 5.0
"""Seconds after its last proof at which a holder counts itself as fallen."""
SERVER_LIFE = 9.0
"""Seconds without a proof after which the server ends the session, and with it the hold."""
_SESSION = (
    f"SET idle_session_timeout = '{SERVER_LIFE:.0f}s'",
    "SET tcp_keepalives_idle = 3",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
)
_KEY = "((classid::bigint << 32) | objid::bigint)"
_LOCKS = "FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
_HELD = text(f"SELECT 1 {_LOCKS} AND pid = :pid AND {_KEY} = :key")
_END = text(f"SELECT pg_terminate_backend(pid, 2000) {_LOCKS} AND pid = :pid AND {_KEY} = :key")
_ALL = text(f"SELECT {_KEY} {_LOCKS}")


def key(name: str) -> int:
    """Return the number of the advisory lock that stands for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def boottime() -> float:
    """Return seconds that also count while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Hold:
    """Takes names, and tells ``lost`` once, from a thread, when it cannot be sure of them any longer."""

    def __init__(self, database: Engine, names: Sequence[str], lost: Callable[[str], None]) -> None:
        self._database = database
        self._names = tuple(names)
        self._lost = lost
        self._session: Connection | None = None
        self._pid = 0
        self._until = 0.0
        self._ending = threading.Event()
        self._using = threading.Lock()
        self._telling = threading.Lock()
        self._fallen = self._given_back = False

    @property
    def firm(self) -> bool:
        """Whether it was proven within the last ``LIFE`` seconds; costs nothing."""
        return not self._fallen and boottime() < self._until

    def take(self) -> str:
        """Take every name and begin to prove it; return "" or the name that another process has. A session of ours
        that fell, and that the server still knows, is ended first.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
        """
        asked = boottime()
        session = self._database.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            for name in self._names:
                session.execute(_END, {"pid": self._pid, "key": key(name)})
            pid = int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())
            for statement in _SESSION:
                session.execute(text(statement))
            taken = next((name for name in self._names if not _lock(session, name)), "")
        except BaseException:
            _close(session)
            raise
        if taken:
            _close(session)
            return taken
        with self._using:
            if self._given_back:  # meanwhile
                _close(session)
                return ""
            self._session, self._pid, self._until, self._fallen = session, pid, asked + LIFE, False
            self._ending = threading.Event()
        for work in (self._beat, self._watch):
            threading.Thread(target=work, args=(session, self._ending), name="hold", daemon=True).start()
        return ""

    def stands(self, connection: Connection) -> bool:
        """Ask the server, in the caller's transaction, whether the first name is still ours."""
        number = key(self._names[0])
        return self.firm and connection.execute(_HELD, {"pid": self._pid, "key": number}).first() is not None

    def release(self) -> None:
        """Give the names back, for good; does nothing when they are not held."""
        with self._using:
            self._given_back = True
            self._ending.set()
            if self._session is not None:
                _close(self._session)
                self._session = None

    def _beat(self, session: Connection, ending: threading.Event) -> None:
        while not ending.wait(BEAT):
            asked = boottime()
            try:
                with self._using:
                    if ending.is_set():
                        break
                    session.execute(text("SELECT 1"))
            except SQLAlchemyError as error:
                first = str(getattr(error, "orig", error)).strip().partition("\n")[0]
                why = f"The database ended the session that holds the name {self._names[0]}: {first}"
                self._fall(why, ending)
                break
            self._until = asked + LIFE
        with self._using:
            _close(session)

    def _watch(self, _: Connection, ending: threading.Event) -> None:
        while (left := self._until - boottime()) > 0:
            if ending.wait(left):
                return
        self._fall(f"The name {self._names[0]} could not be proven for {LIFE:.0f} seconds.", ending)

    def _fall(self, why: str, ending: threading.Event) -> None:
        with self._telling:
            if ending.is_set():
                return
            self._fallen = True
            ending.set()
        self._lost(why)


def held(connection: Connection) -> set[int]:
    """Return the key of every name that somebody holds now."""
    return set(connection.execute(_ALL).scalars())


def borrowed(database: Engine, name: str, work: Callable[[], None]) -> bool:
    """Do ``work`` while holding a name that nobody holds, then give it back; False when somebody holds it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
    """
    session = database.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        if not _lock(session, name):
            return False
        work()
        return True
    finally:
        _close(session)


def _lock(session: Connection, name: str) -> bool:
    return bool(session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key(name)}).scalar())


def _close(session: Connection) -> None:
    """End the session itself: a connection back in its pool would keep the lock."""
    if not session.closed:
        session.invalidate()
        session.close()
