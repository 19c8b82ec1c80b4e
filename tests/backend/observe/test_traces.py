"""Spans: recorded only when wanted, kept within bounds, without secrets, and one trace across a restart."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.bed.collector import collector
from tests.bed.postgres import emptied

from aistack_backend import tracing
from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import HandClock, SystemClock
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.observe.traces.address import checked
from aistack_backend.observe.traces.service import Traces
from aistack_backend.orchestration import board
from aistack_backend.store import task_traces
from aistack_backend.store.database import Database
from aistack_backend.store.trace_tables import span
from aistack_backend.wire.tasks import TaskState

REDACT = Redactor(b"k" * 32, ["hunter22"]).text


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = f"sqlite:///{tmp_path}/t.db" if request.param == "sqlite" else ""
    held = Database(made or emptied(request.getfixturevalue("postgres"), "span", "task_trace"))
    yield held
    held.close()


@contextmanager
def recording(database: Database, *, most: int = 1000, keep: bool = True, send_to: str = "") -> Iterator[Traces]:
    held = Traces(database, SystemClock(), REDACT, most=most, keep=keep, send_to=send_to)
    held.start()
    try:
        yield held
    finally:
        held.stop()


def a_task(database: Database) -> int:
    with database.tx() as connection:
        return board.create(
            connection, HandClock(), goal="g", requester="operator:x", via="cli", state=TaskState.SUBMITTED
        )


def test_a_task_has_one_trace_through_threads_and_a_restart(database: Database) -> None:
    with recording(database) as held, tracing.span("task.submit"):
        task = a_task(database)
    with recording(database) as held:
        with tracing.span("engine.run", task_traces.look(database, task), task=task), tracing.step("tool x"):
            pass
        found = held.get(str(task))
        assert held.list().traces[0].spans == 3
        assert held.list().traces[0].task_id == task
    assert [one.name for one in found.spans] == ["task.submit", "engine.run", "tool x"]
    submit, run, tool = found.spans
    assert (submit.parent_id, run.parent_id, tool.parent_id) == ("", submit.id, run.id)
    assert run.attributes == {"task": str(task)}
    assert found.tasks == (task,)
    assert all(one.service == "backend" and one.seconds is not None for one in found.spans)


def test_what_still_goes_on_has_no_end(database: Database) -> None:
    with recording(database) as held, tracing.span("long") as made:
        (one,) = held.get(f"{made.get_span_context().trace_id:032x}").spans
        assert (one.name, one.seconds) == ("long", None)


def test_an_error_is_told_by_its_class_and_secrets_are_taken_out(database: Database) -> None:
    with (
        recording(database) as held,
        pytest.raises(ValueError, match="the prompt"),
        tracing.span("key hunter22", model="hunter22", long="x" * 5000),
    ):
        raise ValueError("the prompt was: hunter22")
    with recording(database) as held:
        (row,) = held.list().traces
        (one,) = held.get(row.id).spans
    assert (one.failed, one.detail, row.failed) == (True, "ValueError", 1)
    assert one.name.startswith("key hmac:")
    assert one.attributes["model"].startswith("hmac:")
    assert len(one.attributes["long"]) == 200
    with database.read() as connection:
        assert "hunter22" not in str(connection.execute(select(span)).all())


def test_the_oldest_go_first(database: Database) -> None:
    with recording(database, most=100) as held:
        for number in range(250):
            with tracing.span("one", number=number):
                pass
        held.list()
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(span)).scalar() == 100
        assert '"149"' not in str(connection.execute(select(span.c.attributes)).scalars().all())


def test_nothing_is_made_while_nobody_records_and_no_step_outside_a_trace(database: Database) -> None:
    with tracing.span("a"), tracing.step("b"):
        assert tracing.current() is None
        task = a_task(database)
    with recording(database) as held:
        assert task_traces.look(database, task) is None
        with tracing.step("alone"):
            tracing.part("alone").end()
        assert held.list().traces == ()
        with pytest.raises(NotFound, match="No trace was recorded"):
            held.get(str(task))
    with recording(database, keep=False) as held:
        with tracing.span("a"):
            pass
        assert (held.list().kept, held.list().traces, tracing.on()) == (False, (), False)


def test_what_yields_is_a_part_of_the_trace(database: Database) -> None:
    with recording(database) as held:
        with tracing.span("above") as above:
            made = tracing.part("model.answer", model="m")
        made.end()
        spans = held.get(f"{above.get_span_context().trace_id:032x}").spans
    assert [(one.name, bool(one.parent_id)) for one in spans] == [("above", False), ("model.answer", True)]


@pytest.mark.parametrize("wrong", ["", "x", "00-0-0-00", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é", "00-" * 999])
def test_a_traceparent_that_is_none_begins_a_trace(database: Database, wrong: str) -> None:
    with recording(database) as held:
        with tracing.span("asked", tracing.told(wrong)):
            pass
        (row,) = held.list().traces
        assert held.get(row.id).spans[0].parent_id == ""


@pytest.mark.parametrize("wrong", ["x", "-1", "9" * 19, "0" * 31, "A" * 32, "1;drop"])
def test_an_id_that_is_none_is_not_found(database: Database, wrong: str) -> None:
    with recording(database) as held, pytest.raises(NotFound):
        held.get(wrong)


def test_spans_are_sent_by_otlp_and_decoded_there(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    with collector() as there, recording(database, send_to=checked(there.url)) as held:
        with tracing.span("above", number=3, model="hunter22"), tracing.step("below"):
            pass
        found = {one.name: (service, one) for service, one in (there.next(), there.next())}
        service, above = found["above"]
        assert service == "backend"
        assert found["below"][1].parent_span_id == above.span_id
        told = {one.key: one.value for one in above.attributes}
        assert told["number"].int_value == 3
        assert told["model"].string_value.startswith("hmac:")
        kept = {one.name: one for one in held.get(above.trace_id.hex()).spans}
        assert kept["above"].id == above.span_id.hex()
    database.close()


def test_what_was_not_taken_waits_and_goes_with_the_next(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with recording(database, send_to=checked(f"http://127.0.0.1:{port}")) as held:
        with tracing.span("first"):
            pass
        held._provider.force_flush(60_000)  # type: ignore[union-attr]
        told = held.list().sending
        assert told is not None
        assert (told.sent, told.last_at, told.lost) == (0, None, 0)
        assert "does not answer" in told.fault
        with collector(port) as there:
            for there.status in (503, 302, 200):
                with tracing.span("later"):
                    pass
                held._provider.force_flush(60_000)  # type: ignore[union-attr]
                told = held.list().sending
                assert told is not None
                assert ("answered" in told.fault) is (there.status != 200)
            assert sorted(there.next()[1].name for _ in range(4)) == ["first", "later", "later", "later"]
            assert (told.sent, told.fault, there.asked) == (4, "", 3)
    database.close()


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
        ("http://jaeger:4318/v1/traces", "http://jaeger:4318/v1/traces"),
        ("https://far.example/otlp", "https://far.example/otlp"),
    ],
)
def test_an_address_gets_its_path(given: str, right: str) -> None:
    assert checked(given) == right


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("http://far.example:4318", "without TLS"),
        ("http://10.0.0.1:4318", "without TLS"),
        ("ftp://127.0.0.1", "no URL"),
        ("http://", "no URL"),
        ("http://[::1", "no URL"),
        ("http://127.0.0.1:99999", "no URL"),
        ("https://me:pw@far.example", "password"),
        ("https://far.example/?key=1", "holds"),
        ("https://far example/", "no URL"),
    ],
)
def test_an_address_that_may_not_be_is_refused(wrong: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        checked(wrong)
