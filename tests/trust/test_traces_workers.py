"""One trace a task also where a worker process runs it: its spans stand below what asked for the task."""

from __future__ import annotations

from pathlib import Path

from tests.bed.backend import wait_until
from tests.bed.postgres import emptied
from tests.trust.test_workers import crewed

from aistack_backend import tracing
from aistack_backend.clock import SystemClock
from aistack_backend.observe.traces.service import Traces
from aistack_backend.store import task_traces


def test_a_workers_spans_are_of_the_tasks_trace(tmp_path: Path, postgres: str) -> None:
    with crewed(tmp_path, emptied(postgres, "span", "task_trace")) as crew:
        database = crew.rig.database
        traces = Traces(database, SystemClock(), str, most=1000)
        traces.start()
        try:
            run, alone = crew.rig.approved("note.hold"), crew.rig.approved("note.hold")
            with tracing.span("task.submit"), database.tx() as connection:
                task_traces.bind(connection, run.task_id)
            (tmp_path / "go").touch()
            crew.up(crew.hire(0))
            wait_until(crew.settled, 60, "they did not end")
            task = str(run.task_id)
            wait_until(lambda: len(traces.get(task).spans) == 3, 60, "the worker's spans did not come")
            submit, engine, tool = traces.get(task).spans
        finally:
            traces.stop()
        assert (submit.service, engine.service, tool.service) == ("backend", "worker w0", "worker w0")
        assert (engine.name, engine.parent_id, tool.name) == ("engine.run", submit.id, "tool note.hold")
        assert tool.parent_id == engine.id
        with database.read() as connection:
            assert task_traces.of(connection, alone.task_id) is None
        assert len(traces.list().traces) == 1
