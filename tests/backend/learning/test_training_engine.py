"""A real run on the small model: learned by NumPy, measured by llama.cpp; and what ends a run."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bed.lessons import dataset

from aistack_backend.errors import BadInput, Unavailable
from aistack_backend.inference import wheel
from aistack_backend.inference.catalogue import SMALL
from aistack_backend.inference.fetch import model_file
from aistack_backend.learning.training.job import Job
from aistack_backend.learning.training.run import Run
from aistack_backend.wire.rendezvous import cache_dir

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
CACHE = cache_dir(os.environ)
GIGABYTES = 3_000_000_000


def job(folder: Path, data: bytes, **changed: object) -> Job:
    """What a child gets."""
    file = folder / "lines.jsonl"
    file.write_bytes(data)
    made = Job(
        name="x",
        dataset=str(file),
        dataset_sha256=hashlib.sha256(data).hexdigest(),
        model=str(model_file(CACHE, SMALL)),
        model_sha256=SMALL.sha256,
        site=str(wheel.site_folder(CACHE)),
        out=str(folder / "adapter.gguf"),
        steps=40,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def run(wanted: Job, folder: Path, **changed: float) -> Run:
    """A run of it."""
    limits = {"seconds": 250.0, "memory": GIGABYTES, **changed}
    return Run(wanted, folder / "log", seconds=limits["seconds"], memory=int(limits["memory"]))


@pytest.mark.soak  # tests/e2e/test_train.py has the same through the whole product
def test_it_learns_what_the_question_decides(tmp_path: Path) -> None:
    """The adapter is kept: it beats the model and its control on held-out lines, by llama.cpp's own figures."""
    stages: list[str] = []
    made = run(job(tmp_path, dataset(words=10)), tmp_path)
    made._tell = lambda stage, *_: stages.append(stage)
    ended = made.run()
    figures = ended.figures
    assert ended.refused == ""
    assert figures.adapted < figures.base - 1
    assert figures.control is not None
    assert figures.adapted < figures.control
    assert figures.last < figures.first
    assert (tmp_path / "adapter.gguf").stat().st_size > 50_000
    assert ended.target == "blk.29.ffn_down.weight"
    assert stages[0] == "loading the model"
    assert stages[-1] == "measuring with the adapter"


@pytest.mark.soak
def test_labels_by_chance_are_refused(tmp_path: Path) -> None:
    """No adapter is left."""
    ended = run(job(tmp_path, dataset(noise=True)), tmp_path).run()
    assert "dealt to other questions" in ended.refused
    assert not (tmp_path / "adapter.gguf").exists()


def test_what_was_approved_is_what_is_learned(tmp_path: Path) -> None:
    """Another dataset, or another model, than the sha256 says."""
    wanted = job(tmp_path, dataset())
    for changed, said in (("dataset_sha256", "dataset is no longer"), ("model_sha256", "model file is no longer")):
        with pytest.raises(BadInput, match=said):
            run(replace(wanted, **{changed: "0" * 64}), tmp_path).run()  # type: ignore[arg-type]


def test_limits_and_a_stop_end_the_child(tmp_path: Path) -> None:
    """Time, memory, and a person; nothing is left."""
    wanted = job(tmp_path, dataset())
    with pytest.raises(Unavailable, match="longer than"):
        run(wanted, tmp_path, seconds=0.5).run()
    with pytest.raises(Unavailable, match="MB of memory"):
        run(wanted, tmp_path, memory=20_000_000).run()
    stopped = run(wanted, tmp_path)
    stopped._tell = lambda *_: threading.Thread(target=stopped.halt).start()
    with pytest.raises(Unavailable, match="It was stopped"):
        stopped.run()
    assert not (tmp_path / "adapter.gguf").exists()
