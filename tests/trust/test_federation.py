"""Federation between two real backends, each with its own data folder, socket and key, by the commands of people."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.bed.backend import House, house, wait_until

from aistack_backend.learning import rows
from aistack_backend.store.database import Database
from aistack_backend.wire.learning import PatternState


@pytest.fixture
def houses() -> Iterator[tuple[House, House]]:
    """``north`` knows two things and ``south`` one of them otherwise; both run."""
    with house() as north, house() as south:
        learned(north, ("which port has qdrant", "It listens on 6333."), ("who runs it", "Mail ann@example.org, 6334."))
        learned(south, ("which port has qdrant", "Nobody knows."))
        for home in (north, south):
            home.start()
            wait_until(lambda home=home: ask(home, "GET", "/federation")[0] == 200, 60, home.said)  # type: ignore[misc]
        yield north, south


def learned(home: House, *pairs: tuple[str, str]) -> None:
    """Have patterns in use there, before its backend starts."""
    home.data.mkdir(mode=0o700)
    database = Database(f"sqlite:///{home.data / 'aistack.db'}")
    with database.tx() as connection:
        for at, (question, says) in enumerate(pairs):
            state = {"kind": "answer", "key": question, "state": PatternState.ACTIVE.value, "value": 0.9}
            rows.make(connection, time.time() + at, question=question, says=says, **state)
    database.close()


def ask(home: House, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """Call a backend on its operator's socket; return status and answer."""
    transport = httpx.HTTPTransport(uds=str(home.socket))
    headers = {"X-Aistack-Via": "cli"}
    with httpx.Client(transport=transport, base_url="http://localhost/v1", timeout=60, headers=headers) as client:
        answer = client.request(method, path, json=body)
        return answer.status_code, answer.json()


def told(home: House, method: str, path: str, body: object = None) -> dict[str, Any]:
    """As ``ask``, of a call that has to be done."""
    status, found = ask(home, method, path, body)
    assert status == 200, found
    return found


def test_what_one_learned_waits_at_the_other_until_a_person_and_a_trial_let_it_in(houses: tuple[House, House]) -> None:
    north, south = houses
    key = north.cli("federation", "key").stdout.strip()
    shared = north.folder / "shared"
    shared.mkdir()
    given = told(north, "POST", "/federation/export", {"path": str(shared)})
    assert (given["number"], given["items"], given["redactions"]) == (1, 2, 1)
    data = Path(given["path"]).read_bytes()
    assert b"ann@example.org" not in data
    (stranger,) = told(south, "POST", "/federation/import", {"path": str(shared)})["files"]
    assert "whom nobody here trusts" in stranger["refused"]

    south.cli("federation", "trust", "north", key)
    assert "2 items of north wait for review" in south.cli("federation", "import", str(shared)).stdout
    replayed = south.cli("federation", "import", str(shared), code=None)
    assert (replayed.returncode != 0, "was taken in already" in replayed.stdout) == (True, True)
    forged = shared / "forged.aifed.json"
    forged.write_bytes(data.replace(b"6333", b"6666").replace(b'"number":1', b'"number":2'))
    (false,) = told(south, "POST", "/federation/import", {"path": str(forged)})["files"]
    assert "forged or changed" in false["refused"]

    review = south.cli("federation", "review").stdout
    assert "Nobody knows.; by latest" in review
    first, second = told(south, "GET", "/federation/items")["items"]
    assert [one["origin"] for one in told(south, "GET", "/learning/patterns")["patterns"]] == [""]
    status, asks = ask(south, "POST", f"/federation/items/{first['id']}/accept", {"rule": ""})
    assert (status, "a person has to say which is taken" in asks["detail"]) == (409, True)
    told(south, "POST", f"/federation/items/{first['id']}/accept", {"rule": "keep-both"})
    told(south, "POST", f"/federation/items/{second['id']}/drop")

    told(south, "POST", "/learning/run")
    states = {one["says"]: one["state"] for one in told(south, "GET", "/learning/patterns")["patterns"]}
    assert states == {"Nobody knows.": "active", "It listens on 6333.": "candidate"}
    kinds = {one["kind"] for one in told(south, "GET", "/audit?limit=200&text=federation")["records"]}
    assert {f"federation.{kind}" for kind in ("trust", "import", "refused", "accept", "drop")} <= kinds
    assert not (south.data / "federation" / "federation.key").exists()
    assert (north.data / "federation" / "federation.key").stat().st_mode & 0o777 == 0o400
