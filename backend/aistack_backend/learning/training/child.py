"""The child process that learns: one job as a line of JSON on its standard input, reports as lines on its output.

It ends when its input ends, so that nothing learns on for a backend that is gone.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from aistack_backend.errors import BackendError, BadInput
from aistack_backend.learning.training import adapterfile, dataset, lora, verdict
from aistack_backend.learning.training.dataset import Dataset, Example
from aistack_backend.learning.training.job import READING_HELD, Ended, Job
from aistack_backend.wire.training import Figures

if TYPE_CHECKING:
    from aistack_backend.inference.training import Read, Taught

NICE = 10
MOST_TOKENS = 20_000
"""Tokens of answers: each is a row of numbers that is kept in memory."""
Tell = Callable[[str, int, int, float | None], None]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a dataset as the engine read them."""

    rows: lora.Rows
    reads: tuple[Read, ...]

    @property
    def losses(self) -> list[float]:
        """The loss of each line by llama.cpp."""
        return [float(one.losses.mean()) for one in self.reads]

    def means(self, losses: lora.Floats) -> list[float]:
        """Return the mean over each line's rows."""
        return [float(losses[self.rows.line == at].mean()) for at in range(len(self.reads))]


def work(job: Job, tell: Tell) -> Ended:
    """Learn, measure, and leave the adapter at ``job.out`` when it is to be kept.

    Raises:
        BackendError: the dataset or the model cannot be used.
    """
    from aistack_backend.inference.training import Taught  # the engine's folder is on the path by now

    began = time.monotonic()
    data = _dataset(job)
    if _sha256(Path(job.model)) != job.model_sha256:
        raise BadInput("The model file is no longer the one that was approved.", "Ask again.")
    tell("loading the model", 0, 0, None)
    model = Taught(Path(job.model), job.threads)
    held = _read(model, data.held, tell, READING_HELD)
    learned, dealt = _both(model, data.learned, job, tell)
    head = model.head()
    frozen = lora.Frozen(head.weights, head.norm, head.epsilon)
    _same_model(held, lora.losses(frozen, None, held.rows))
    recipe = lora.Recipe(steps=job.steps, rank=job.rank, seed=job.seed)
    curve: list[float] = []
    made = lora.learn(frozen, learned.rows, recipe, _following(tell, "learning", job.steps, curve))
    control = None
    if dealt is not None:
        other = lora.learn(frozen, dealt.rows, recipe, _following(tell, "learning the control", job.steps, []))
        control = held.means(lora.losses(frozen, other, held.rows))
    out = Path(job.out)
    adapterfile.write(out, made, architecture=model.architecture, target=model.target, name=job.name)
    model.adapt(str(out))
    adapted = _read(model, data.held, tell, "measuring with the adapter", watched=False).losses
    return _ended(job, model.target, curve, (held.losses, adapted, control), (data, learned), began)


def _ended(
    job: Job,
    target: str,
    curve: Sequence[float],
    losses: tuple[list[float], list[float], list[float] | None],
    read: tuple[Dataset, Lines],
    began: float,
) -> Ended:
    before, after, control = losses
    over_base = verdict.gain(before, after)
    over_control = None if control is None else verdict.gain(control, after)
    why = verdict.refusal(over_base, over_control)
    if why:
        Path(job.out).unlink()
    figures = Figures(
        base=float(np.mean(before)),
        adapted=float(np.mean(after)),
        control=None if control is None else float(np.mean(control)),
        gain=over_base.mean,
        error=over_base.error,
        over_control=None if over_control is None else over_control.mean,
        over_error=None if over_control is None else over_control.error,
        learned=len(read[0].learned),
        held=len(read[0].held),
        tokens=len(read[1].rows),
        first=curve[0],
        last=curve[-1],
        seconds=time.monotonic() - began,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    return Ended(refused=why, target=target, figures=figures)


def _dataset(job: Job) -> Dataset:
    path = Path(job.dataset)
    try:
        data = dataset.parse(path.read_bytes(), path.name)
    except OSError as error:
        raise BadInput(f"The dataset {path} cannot be read: {error.strerror}.") from error
    if data.sha256 != job.dataset_sha256:
        raise BadInput("The dataset is no longer the one that was approved.", "Ask again.")
    return data


def _read(model: Taught, examples: Sequence[Example], tell: Tell, stage: str, watched: bool = True) -> Lines:
    found, tokens = [], []
    for number, one in enumerate(examples, 1):
        line = model.line(one.turns)
        tokens.append(line.answer)
        _few(tokens)
        found.append(model.read(line, watched))
        tell(stage, number, len(examples), float(np.mean([each.losses.mean() for each in found])))
    return _lines(found, tokens)


def _both(model: Taught, examples: Sequence[Example], job: Job, tell: Tell) -> tuple[Lines, Lines | None]:
    """Read the lines, and each question with the answer that the control deals to it right after it: the engine
    computes what they share once."""
    others = () if job.tone else dataset.dealt(examples, job.seed)
    sides: tuple[list[Any], ...] = ([], [], [], [])
    for at, one in enumerate(examples):
        for side, example in enumerate((one, *others[at : at + 1])):
            line = model.line(example.turns)
            sides[2 * side].append(model.read(line))
            sides[2 * side + 1].append(line.answer)
        _few(sides[1])
        tell("reading what is learned", at + 1, len(examples), None)
    return _lines(sides[0], sides[1]), None if job.tone else _lines(sides[2], sides[3])


def _lines(found: Sequence[Read], tokens: Sequence[tuple[int, ...]]) -> Lines:
    inner, outer = (np.concatenate([getattr(one, side) for one in found]) for side in ("inner", "outer"))
    numbers = np.concatenate([np.full(len(answer), at) for at, answer in enumerate(tokens)])
    wanted = np.concatenate([np.array(answer, np.int64) for answer in tokens])
    return Lines(lora.Rows(inner, outer, wanted, numbers), tuple(found))


def _few(tokens: Sequence[tuple[int, ...]]) -> None:
    if sum(map(len, tokens)) > MOST_TOKENS:
        raise BadInput(f"The answers have over {MOST_TOKENS} tokens.", "Take fewer or shorter lines.")


def _same_model(held: Lines, ours: lora.Floats) -> None:
    """Refuse a model that our own forward pass does not know: its last step would be another."""
    apart = abs(float(np.mean(held.means(ours))) - float(np.mean(held.losses)))
    if not apart <= verdict.APART:
        raise BadInput(
            f"This model computes its answers in another way than we learn for: {apart:.3f} nats a token apart, "
            f"{verdict.APART} at most.",
            "Choose a model of the Llama kind.",
        )


def _following(tell: Tell, stage: str, steps: int, curve: list[float]) -> Callable[[int, float], None]:
    def step(number: int, loss: float) -> None:
        curve.append(loss)
        tell(stage, number, steps, loss)

    return step


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"The model {path} cannot be read: {error.strerror}.") from error


def main() -> None:
    """Keep the streams for ourselves, do the one job, report how it ended."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICE)
    orders, reports = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # whatever a library prints goes to the log
    job = Job(**json.loads(orders.readline()))
    threading.Thread(target=_until_gone, args=(orders,), daemon=True).start()
    sys.path.append(job.site)

    def say(**fields: object) -> None:
        reports.write(json.dumps(fields).encode() + b"\n")
        reports.flush()

    try:
        ended = work(job, lambda stage, done, total, loss: say(stage=stage, done=done, total=total, loss=loss))
    except BackendError as error:
        say(failed=error.detail, hint=error.hint)
    except ValueError as error:  # of the engine, which is not imported here
        say(failed=f"The model cannot learn this: {error}", hint="")
    else:
        say(ended=asdict(ended))


def _until_gone(orders: IO[bytes]) -> None:
    orders.read()
    os._exit(0)


if __name__ == "__main__":
    main()
