"""``model.train`` as an action: what is pinned, what is refused before anybody is asked, and the rows of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bed.lessons import dataset

from aistack_backend.approvals.risk import judge
from aistack_backend.clock import HandClock
from aistack_backend.engine.tools import Fate
from aistack_backend.errors import BackendError, BadInput, Conflict, NotFound, Unavailable
from aistack_backend.learning.training.adapters import Adapters
from aistack_backend.learning.training.dataset import parse
from aistack_backend.learning.training.job import READING_HELD
from aistack_backend.learning.training.rows import CUT, Trainings
from aistack_backend.orchestration.training.part import TrainPart
from aistack_backend.orchestration.training.tool import TrainTool
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import Risk
from aistack_backend.wire.training import Figures, TrainRequest, TrainState

FIGURES = Figures(
    base=2.0, adapted=1.0, gain=1.0, error=0.1, learned=9, held=5, tokens=30, first=2.0, last=0.5, seconds=1.0, memory=1
)


class Bases:
    """A machine with one model, and an engine or none."""

    def __init__(self, folder: Path, built: bool = True) -> None:
        self.folder, self.built = folder, built

    def base(self, name: str) -> tuple[str, Path, str]:
        """See ``Models.base``."""
        if name == "none":
            raise Conflict("none is not on this machine.", "Fetch it first.")
        return name or "small", self.folder / "m.gguf", "b" * 64

    def site(self) -> Path:
        """See ``Models.site``."""
        if not self.built:
            raise Unavailable("The engine is not built on this machine.")
        return self.folder


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A dataset."""
    made = tmp_path / "Rack lines.jsonl"
    made.write_bytes(dataset())
    return made


@pytest.fixture
def trainings(tmp_path: Path) -> Iterator[Trainings]:
    """The rows, on a store of their own."""
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    yield Trainings(database, HandClock(), Adapters(tmp_path / "adapters"))
    database.close()


def wish(lines: Path, **more: Any) -> str:
    """A request as JSON."""
    return json.dumps({"dataset": str(lines), **more})


def test_the_action_pins_dataset_and_model_and_says_what_is_kept(tmp_path: Path, lines: Path) -> None:
    part = TrainPart(Bases(tmp_path))
    action, evidence = part.prepare("model.train", "", wish(lines), "operator:ann")
    assert [(one.type, one.name, len(one.pin)) for one in action.targets] == [
        ("dataset", "Rack lines.jsonl", 64),
        ("model", "small", 64),
    ]
    assert dict(action.limits)["minutes"] == "60"
    read = parse(dataset(), "x")
    assert f"reads 60 lines, learns from {len(read.learned)} and holds {len(read.held)} out" in evidence.effect
    assert judge(action, managed=True).risk is Risk.MEDIUM
    assert action.hash() == part.prepare("model.train", "", wish(lines), "operator:ann")[0].hash()
    assert action.hash() != part.prepare("model.train", "", wish(lines, seed=2), "operator:ann")[0].hash()
    lines.write_bytes(dataset(seed=8, noise=True))
    assert action.hash() != part.prepare("model.train", "", wish(lines), "operator:ann")[0].hash()


BAD = [
    ({"steps": 0}, BadInput, "The value steps is 0"),
    ({"rank": 65}, BadInput, "The value rank is 65"),
    ({"minutes": 2_000}, BadInput, "The value minutes is 2000"),
    ({"megabytes": 1}, BadInput, "The value megabytes is 1"),
    ({"dataset": "x.jsonl"}, BadInput, "no absolute path"),
    ({"dataset": "/none/at/all"}, NotFound, "There is no dataset"),
    ({"model": "m" * 201}, BadInput, "too long"),
    ({"model": "none"}, Conflict, "not on this machine"),
    ({"steps": "many"}, BadInput, "cannot be read"),
]


@pytest.mark.parametrize(("more", "kind", "said"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_asked(
    tmp_path: Path, lines: Path, more: dict[str, Any], kind: type[BackendError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        TrainPart(Bases(tmp_path)).prepare("model.train", "", wish(lines, **more))


def test_no_engine_and_another_target(tmp_path: Path, lines: Path) -> None:
    with pytest.raises(Unavailable, match="not built"):
        TrainPart(Bases(tmp_path, built=False)).prepare("model.train", "", wish(lines))
    with pytest.raises(BadInput, match="not on /x"):
        TrainPart(Bases(tmp_path)).prepare("model.train", "/x", wish(lines))
    with pytest.raises(BadInput, match="cannot be read"):
        TrainPart(Bases(tmp_path)).prepare("model.train", "", "{")


def test_a_record_that_we_would_not_make_does_not_run(tmp_path: Path, lines: Path, trainings: Trainings) -> None:
    action, _ = TrainPart(Bases(tmp_path)).prepare("model.train", "", wish(lines))
    tool = TrainTool(Bases(tmp_path), trainings, Adapters(tmp_path / "adapters"), tmp_path / "log")
    assert tool.recheck(action) == ""
    assert "another dataset" in tool.recheck(replace(action, targets=()))
    assert "not one that this version" in tool.recheck(replace(action, network="all"))
    assert tool.probe("7:1:1:1", action) == (Fate.NOT_DONE, None)


def test_rows_tell_how_a_run_stands_and_a_restart_ends_what_ran(tmp_path: Path, trainings: Trainings) -> None:
    adapters, request = Adapters(tmp_path / "adapters"), TrainRequest(dataset="/srv/Über lines!.jsonl")
    begun = trainings.begin(7, request, "d" * 64, "b" * 64)
    draft = adapters.draft(7)
    draft.write_bytes(b"adapter")
    trainings.stage(7, "learning", 3, 40)
    (one,) = trainings.list().trainings
    assert (one.state, one.stage, one.done, one.total) == (TrainState.RUNNING, "learning", 3, 40)
    trainings.settle()
    (one,) = trainings.list().trainings
    assert (one.state, one.verdict, draft.exists()) == (TrainState.FAILED, CUT, False)
    name = adapters.name(request.dataset, 7)
    assert name == "ber-lines-7"
    adapters.draft(7).write_bytes(b"adapter")
    digest = adapters.keep(replace(begun, name=name, figures=FIGURES))
    trainings.ended(7, TrainState.KEPT, "kept", figures=FIGURES, target="t", name=name, sha256=digest)
    (one,) = trainings.list().trainings
    assert (one.state, one.figures, Path(one.path).read_bytes()) == (TrainState.KEPT, FIGURES, b"adapter")
    assert sorted(found.name for found in (tmp_path / "adapters" / name).iterdir()) == ["adapter.gguf", "manifest.json"]
    Path(one.path).write_bytes(b"other")
    assert trainings.list().trainings[0].path == ""


def test_what_a_running_one_measured_is_told_until_it_ends(trainings: Trainings) -> None:
    trainings.begin(7, TrainRequest(dataset="/x.jsonl"), "a" * 64, "b" * 64)
    trainings.stage(7, READING_HELD, 3, 9, loss=2.5)
    trainings.stage(7, "learning", 4, 60, loss=1.5, memory=1_000)
    (one,) = trainings.list().trainings
    assert (one.done, one.total, one.loss, one.base, one.memory) == (4, 60, 1.5, 2.5, 1_000)
    trainings.ended(7, TrainState.REFUSED, "No.", figures=FIGURES)
    (one,) = trainings.list().trainings
    assert (one.loss, one.base, one.memory, one.figures) == (None, None, None, FIGURES)
