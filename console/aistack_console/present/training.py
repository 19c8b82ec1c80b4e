"""Training in words: how a run stands, what it measured, and its verdict; what was not measured is ``-``."""

from __future__ import annotations

from aistack_backend.wire.training import Figures, Training, TrainingList, TrainState
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import UNMEASURED, bar, day_clock, size, span

COLUMNS = (
    Column("TASK", 5, "right"),
    Column("BEGAN", 11),
    Column("STATE", 0),
    Column("BEFORE", 7, "right"),
    Column("AFTER", 7, "right"),
    Column("CONTROL", 7, "right"),
    Column("DATASET", 24, min_screen_width=100),
)
TONES: dict[TrainState, Tone] = {
    TrainState.RUNNING: "accent",
    TrainState.KEPT: "ok",
    TrainState.REFUSED: "warn",
    TrainState.FAILED: "bad",
    TrainState.UNKNOWN: "warn",
}
GAP = para("")


def head(found: TrainingList | None, at: float | None, now: float) -> tuple[Cell, ...]:
    """Return the line above all: how many go on, were kept, and how old that is."""
    if found is None:
        return (("TRAINING  ", "accent"), ("not read yet", "warn"))
    states = [one.state for one in found.trainings]
    going = states.count(TrainState.RUNNING)
    return (
        ("TRAINING  ", "accent"),
        (f"{going} going on", "accent" if going else "plain"),
        f"  {states.count(TrainState.KEPT)} kept  {len(states)} in all",
        (f"  read {span(now - at)} ago" if at is not None else "", "dim"),
    )


def rows(found: TrainingList | None, now: float) -> tuple[Row, ...]:
    """Return the runs, the newest first."""
    return tuple(_row(one, now) for one in (found.trainings if found else ()))


def _row(one: Training, now: float) -> Row:
    figures = one.figures
    before = figures.base if figures else one.base
    losses = (before, figures.adapted if figures else None, figures.control if figures else None)
    state = (standing(one), TONES[one.state])
    dataset = one.request.dataset.rpartition("/")[2]
    return Row(str(one.task_id), (str(one.task_id), day_clock(one.at, now), state, *map(nats, losses), dataset))


def standing(one: Training) -> str:
    """Return the state in a few words; of a running one what it does."""
    if one.state is not TrainState.RUNNING:
        return one.state.value
    return f"{one.stage} {one.done}/{one.total}" if one.total else one.stage or "begins"


def nats(value: float | None) -> str:
    """Return a loss."""
    return UNMEASURED if value is None else f"{value:.3f}"


def detail(one: Training, now: float) -> tuple[Para, ...]:
    """Return a run in full: what it does now, or how it ended."""
    request = one.request
    lines = [para((f"task {one.task_id} ", "accent"), (one.state.value, TONES[one.state]))]
    if one.state is TrainState.RUNNING:
        lines += progress(one, now)
    if one.verdict:
        lines.append(fact("verdict", one.verdict, TONES[one.state]))
    if one.figures is not None:
        lines += figures(one.figures)
    limits = f"at most {request.minutes} minutes and {request.megabytes} MB"
    told = (
        ("dataset", f"{request.dataset}  sha256 {one.dataset_sha256[:16]}…"),
        ("model", f"{request.model or 'the one in use then'}  sha256 {one.model_sha256[:16]}…"),
        ("recipe", f"{request.steps} steps, rank {request.rank}, seed {request.seed}, {limits}"),
        ("tone", "no control is learned, as was asked" if request.tone else ""),
        ("changes", one.target),
        ("adapter", f"{one.name}: {one.path or 'gone, or no longer the file that was kept'}" if one.name else ""),
        ("allowed", one.approved_by and f"by {one.approved_by}"),
        ("began", day_clock(one.at, now)),
    )
    return (*lines, GAP, *(fact(name, text) for name, text in told if text))


def progress(one: Training, now: float) -> list[Para]:
    """Return how far a running one is, with what was measured of it."""
    share = bar(one.done / one.total) if one.total else ""
    limit = one.request.megabytes * 1_000_000
    memory = UNMEASURED if one.memory is None else f"{size(one.memory)} of {size(limit)} at most"
    return [
        fact("does", f"{standing(one)}  {share}".rstrip(), "accent"),
        fact("loss now", f"{nats(one.loss)} nats a token" if one.loss is not None else UNMEASURED),
        fact("held out", f"{nats(one.base)} by the model alone" if one.base is not None else UNMEASURED),
        fact("time", f"{span(now - one.at)} of {span(60.0 * one.request.minutes)} at most"),
        fact("memory", memory),
    ]


def figures(one: Figures) -> list[Para]:
    """Return what was measured on the lines that were never learned from."""
    control = "none was learned"
    if one.control is not None:
        control = f"{nats(one.control)}, {_over(one.over_control)} ± {nats(one.over_error)} better than it"
    return [
        title("loss on held-out lines, nats a token"),
        fact("base", nats(one.base)),
        fact("adapter", f"{nats(one.adapted)}, {_over(one.gain)} ± {nats(one.error)} gained"),
        fact("control", control),
        fact("steps", f"{nats(one.first)} at the first, {nats(one.last)} at the last"),
        fact("lines", f"{one.learned} learned ({one.tokens} tokens), {one.held} held out"),
        fact("took", f"{span(one.seconds)}, {size(one.memory)} of memory at most"),
    ]


def _over(value: float | None) -> str:
    return UNMEASURED if value is None else f"{value:+.3f}"


def nothing() -> tuple[Para, ...]:
    """Return what the screen says when nothing was ever learned for a model."""
    return (
        para("No model was trained yet."),
        GAP,
        fact("first", "s on Learning saves the accepted samples as a dataset"),
        fact("then", "aistack-console train DATASET.jsonl asks for a run; it begins after a person's yes"),
        fact("here", "stands what a run does now, its losses, and whether the adapter was kept"),
    )
