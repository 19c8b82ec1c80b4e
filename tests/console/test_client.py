"""The client: wire types in, sentences out, and a stream that comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.console.stage import until
from tests.console.world import FLEET, approval, approvals, stage

from aistack_backend.wire.actions import ApprovalState, DecideRequest, Risk, Verdict
from aistack_backend.wire.containers import Fleet, LogBatch, LogLine, LogStream
from aistack_backend.wire.events import Topic
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.status import Status
from aistack_console.client import launch
from aistack_console.client.api import Client
from aistack_console.client.decode import decode, decode_problem, decode_topic
from aistack_console.client.stream import Event, EventStream, Meter, delay
from aistack_console.errors import BackendDown, ClientError, ConsoleError
from aistack_console.state.store import Store

FLEET_JSON = """{"at": 1.5, "new_field": [1], "source": {"name": "podman", "state": "dancing", "since": 1},
"containers": [{"id": "%s", "name": "we\\u001b[2Jb", "image": "i", "state": "teleporting", "health": "superb"}]}"""


def test_a_newer_backend_is_read() -> None:
    fleet = decode(FLEET_JSON % ("a" * 64), Fleet)
    assert fleet.source.state.name == "UNKNOWN"
    assert fleet.containers[0].state.name == "UNKNOWN"


def test_names_come_in_visible() -> None:
    assert decode(FLEET_JSON % ("a" * 64), Fleet).containers[0].name == "we␛[2Jb"


@pytest.mark.parametrize("bad", [b"", b"{", b"[]", b'{"at": "now"}', b"\xff\xfe", b'{"at": 1}'])
def test_an_answer_of_another_shape_is_one_sentence(bad: bytes) -> None:
    with pytest.raises(BackendDown, match="is not a Fleet"):
        decode(bad, Fleet)


def test_an_error_that_is_no_problem_document_is_still_told() -> None:
    problem = decode_problem(b"<html>\x1b[31mno</html>", 502)
    assert problem.status == 502
    assert problem.detail == "<html>no</html>"


def test_a_topic_of_a_newer_backend_is_left_alone() -> None:
    assert decode_topic(Topic("weather"), '{"sun": true}') is None


def test_reconnecting_slows_down_to_fifteen_seconds() -> None:
    assert [delay(n, lambda: 0.5) for n in (0, 1, 2, 10)] == [0.25, 0.5, 1.0, 15.0]
    assert delay(10, lambda: 0.0) == 7.5


def test_the_meter_forgets() -> None:
    now = [0.0]
    meter = Meter(lambda: now[0])
    meter.count(1000)
    assert meter.rate() == 100.0
    now[0] = 11.0
    assert meter.rate() == 0.0
    assert meter.shown_rate() is None


async def test_calls_reach_their_routes_and_say_how_they_came() -> None:
    async with stage() as one:
        one.answers["GET /v1/containers"] = FLEET
        client = Client(one.socket)
        assert len((await client.containers()).containers) == 5
        one.answers["POST /v1/approvals/7/decision"] = approval(7, state=ApprovalState.DENIED)
        request = DecideRequest(verdict=Verdict.DENY, action_hash="ab", reason="no")
        assert (await client.decide(7, request)).state is ApprovalState.DENIED
        asked = dict(one.asked)
        assert asked["POST /v1/approvals/7/decision"]["verdict"] == "deny"
        await client.close()


async def test_a_refusal_names_who_was_first() -> None:
    async with stage() as one:
        one.answers["POST /v1/approvals/7/decision"] = Problem(
            type="approval-already-decided", title="Already decided", status=409, detail="Too late.", winner="anna"
        )
        client = Client(one.socket)
        with pytest.raises(ClientError) as caught:
            await client.decide(7, DecideRequest(verdict=Verdict.APPROVE, action_hash="ab"))
        assert (caught.value.winner, caught.value.status) == ("anna", 409)
        await client.close()


async def test_an_id_cannot_leave_its_path() -> None:
    async with stage() as one:
        client = Client(one.socket)
        with pytest.raises(ClientError):
            await client.container("../../shutdown?x=1")
        assert one.asked[0][0] == "GET /v1/containers/..%2F..%2Fshutdown%3Fx%3D1"
        await client.close()


async def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    client = Client(tmp_path / "none.sock")
    with pytest.raises(BackendDown, match="does not answer"):
        await client.status()
    with pytest.raises(BackendDown, match="does not answer"):
        async for _ in client.logs("x"):
            pass
    await client.close()


async def test_log_lines_lose_their_escapes() -> None:
    async with stage() as one:
        queue: asyncio.Queue[LogBatch | None] = asyncio.Queue()
        line = LogLine(at=1.0, stream=LogStream.STDOUT, text="a\x1b[31mred\x1b]52;c;x\x07")
        queue.put_nowait(LogBatch(id="x", lines=(line,)))
        queue.put_nowait(None)
        one.logs["x"] = queue
        client = Client(one.socket)
        found = [batch async for batch in client.logs("x", tail=5)]
        assert found[0].lines[0].text == "ared"
        await client.close()


async def test_the_stream_fills_the_store_and_a_reset_empties_it() -> None:
    async with stage() as one:
        one.push(Topic.APPROVALS, approvals(approval()))
        store = Store()
        client = Client(one.socket)
        reader = asyncio.ensure_future(EventStream(client, Meter()).read(store.apply, store.link))
        await until(lambda: store.approvals)
        assert store.pending == 1
        assert store.down is None
        store.apply(Event("", Topic.RESET, None))
        assert store.approvals is None
        assert store.pending is None
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        await client.close()


async def test_a_backend_that_goes_and_comes_back_is_found_again(tmp_path: Path) -> None:
    store, heard = Store(), []
    socket = tmp_path / "b.sock"
    client = Client(socket)
    store.listen(lambda topic: heard.append((topic, store.down is None)))
    reader = asyncio.ensure_future(EventStream(client, Meter()).read(store.apply, store.link))
    await until(lambda: heard)
    assert store.down is not None
    assert "does not answer" in store.why_down
    async with stage() as one:
        client.socket_path = one.socket
        await client.close()
        await until(lambda: store.status)
        assert store.down is None
        assert isinstance(store.status, Status)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        await client.close()


def test_staleness_is_kept_not_hidden() -> None:
    now = [100.0]
    store = Store(now=lambda: now[0])
    assert store.age(Topic.FLEET) is None
    store.link(None)
    store.apply(Event("e:1", Topic.FLEET, FLEET))
    now[0] = 130.0
    store.link(ConsoleError("The backend closed the event stream."))
    now[0] = 140.0
    store.link(ConsoleError("Nobody answers."))
    assert store.down == 130.0
    assert store.age(Topic.FLEET) == 40.0
    assert store.fleet is FLEET


def test_the_command_that_starts_a_backend_names_its_folder(tmp_path: Path) -> None:
    words = launch.command(tmp_path)
    assert words[-4:] == ("serve", "--detach", "--data-dir", str(tmp_path))


async def test_a_backend_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(BackendDown, match="cannot be started"):
        await launch._start((str(tmp_path / "no-such-program"),))
    with pytest.raises(BackendDown, match="did not start: no luck"):
        await launch._start(("sh", "-c", "echo no luck; exit 3"))


def test_risk_of_a_newer_backend_is_not_low() -> None:
    assert Risk("galactic") is Risk.UNKNOWN


async def test_a_machine_goes_beside_the_id() -> None:
    async with stage() as one:
        client = Client(one.socket)
        with pytest.raises(ClientError):
            await client.container("far/abc")
        assert one.asked[0][0].startswith("GET /v1/containers/abc")
        await client.close()
