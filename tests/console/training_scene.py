"""What the pictures of Training show: a run that goes on, one that was kept, one refused, one that failed."""

from __future__ import annotations

from tests.console import scenes
from tests.console.stage import NOW, Stage

from aistack_backend.wire.training import Figures, Training, TrainingList, TrainRequest, TrainState

HOUR = 3_600.0
SHA = {"dataset_sha256": "ab" * 32, "model_sha256": "cd" * 32}
FIGURES = Figures(
    base=8.404, adapted=0.371, control=0.682, gain=8.033, error=0.21, over_control=0.311, over_error=0.05, learned=60,
    held=15, tokens=240, first=8.1, last=0.2, seconds=93.0, memory=900_000_000,
)  # fmt: skip
ASKED = TrainRequest(dataset="/srv/lines.jsonl", model="smollm2-135m-instruct")
RUNNING = Training(
    task_id=44, at=NOW - 95, state=TrainState.RUNNING, request=ASKED, stage="learning", done=24, total=60, loss=1.2345,
    base=8.404, memory=612_000_000, approved_by="operator:anna", **SHA,
)  # fmt: skip
KEPT = Training(
    task_id=41, at=NOW - HOUR, state=TrainState.KEPT, request=ASKED, name="lines-41", target="blk.29.ffn_down.weight",
    path="/data/adapters/lines-41/adapter.gguf", figures=FIGURES, approved_by="operator:anna", **SHA,
    verdict="It is kept as lines-41: 8.033 nats a token less loss on 15 held-out lines.",
)  # fmt: skip
REFUSED = Training(
    task_id=40, at=NOW - 2 * HOUR, state=TrainState.REFUSED, request=ASKED, figures=FIGURES, **SHA,
    verdict="It does not do better than the model alone on held-out lines.",
)  # fmt: skip
FAILED = Training(
    task_id=39, at=NOW - 3 * HOUR, state=TrainState.FAILED, request=ASKED, verdict="It was stopped.", **SHA
)
RUNS = TrainingList(trainings=(RUNNING, KEPT, REFUSED, FAILED))


def training(one: Stage) -> None:
    """A world in which a model learns."""
    scenes.normal(one)
    one.answers["GET /v1/trainings"] = RUNS
