"""The boot director: how far each service has come, against what it took before."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.boot import Boot, BootRow, BootState, Plan, Stage, StepKind
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import bar, clock, many, size, span

STAGES = (Stage.PULLED, Stage.CREATED, Stage.RUNNING, Stage.LISTENING, Stage.HEALTHY, Stage.READY)
"""What a service goes through, in order."""
WIDE = 120
"""Columns from which each stage has a column of its own."""
COLUMNS = (
    Column("SERVICE", 18),
    Column("STAGE", 9),
    Column("PROGRESS", 12),
    Column("TIME", 6, "right"),
    Column("USUAL", 6, "right"),
    *(Column(stage.value.upper(), 9, "right", min_screen_width=WIDE) for stage in STAGES),
    Column("NOW", 0),
)
TONES: dict[Stage, Tone] = {
    Stage.WAITING: "dim",
    Stage.READY: "ok",
    Stage.UNCHANGED: "ok",
    Stage.STOPPED: "dim",
    Stage.FAILED: "bad",
    Stage.CANCELLED: "warn",
    Stage.UNKNOWN: "warn",
}
ENDED = frozenset({Stage.READY, Stage.UNCHANGED, Stage.STOPPED, Stage.FAILED, Stage.CANCELLED})
STATE_TONES: dict[BootState, Tone] = {
    BootState.RUNNING: "accent",
    BootState.DONE: "ok",
    BootState.FAILED: "bad",
    BootState.CANCELLED: "warn",
    BootState.UNKNOWN: "warn",
}


def rows(boot: Boot, now: float) -> tuple[Row, ...]:
    """Return one row a service, in the order of the plan."""
    return tuple(_row(one, _until(boot, now)) for one in boot.rows)


def _until(boot: Boot, now: float) -> float:
    return now if boot.ended_at is None else boot.ended_at


def began(one: BootRow) -> float | None:
    """Return when work on a service began; None = not yet."""
    return next((mark.at for mark in one.marks if mark.stage is not Stage.WAITING), None)


def spent(one: BootRow, until: float) -> float | None:
    """Return the seconds from its beginning to its end, or to ``until`` while it has none."""
    start = began(one)
    if start is None:
        return None
    return (one.marks[-1].at if one.stage in ENDED else until) - start


def _row(one: BootRow, until: float) -> Row:
    took, start = spent(one, until), began(one)
    late = took is not None and one.expected is not None and took > one.expected and one.stage not in ENDED
    marks = {mark.stage: mark.at for mark in one.marks}
    times: list[Cell] = [
        "" if start is None or stage not in marks else f"+{marks[stage] - start:.1f}s" for stage in STAGES
    ]
    return Row(
        one.service,
        (
            one.service,
            (one.stage.value, TONES.get(one.stage, "accent")),
            (_bar(one, took), "bad" if one.stage is Stage.FAILED else "warn" if late else "plain"),
            (span(took), "warn" if late else "plain"),
            (span(one.expected), "dim"),
            *times,
            (_now(one), "bad" if one.stage is Stage.FAILED else "dim"),
        ),
    )


def _bar(one: BootRow, took: float | None) -> str:
    """Return the time spent against the usual time; full when it is ready, nothing where nothing was begun."""
    if took is None or one.stage is Stage.STOPPED:
        return ""
    if one.stage is Stage.READY:
        return bar(1.0)
    return bar(took / one.expected) if one.expected else "first time"


def _now(one: BootRow) -> str:
    waits = f"waits for {' '.join(one.waits_for)}" if one.waits_for and one.stage not in ENDED else ""
    return ". ".join(filter(None, (waits, one.detail)))


def head(boot: Boot | None, now: float, known: bool = True) -> tuple[Cell, ...]:
    """Return the line above: what was asked, how it is doing, how long it took and when it is expected to end.

    ``known`` says whether a backend told that there was none.
    """
    if boot is None:
        return (("BOOT  ", "accent"), ("nothing was brought up or down yet" if known else "not known", "dim"))
    cells: list[Cell] = [("BOOT  ", "accent"), f"{boot.verb} {boot.goal or 'everything'}  "]
    cells.append((f"{boot.state.value.upper()} ", STATE_TONES[boot.state]))
    cells.append(f"{span(_until(boot, now) - boot.began_at)}  {progress(boot)}")
    if boot.state is BootState.RUNNING:
        cells.append((f"  {_eta(boot, now)}", "dim"))
    cells.append((f"  task {boot.id}", "dim"))
    return tuple(cells)


def progress(boot: Boot) -> str:
    """Return how many services are where they are to be: ``4 of 6 ready``."""
    down = boot.verb == "down"
    good = {Stage.STOPPED} if down else {Stage.READY, Stage.UNCHANGED}
    rows = [one for one in boot.rows if down or one.step not in {StepKind.STOP, StepKind.REMOVE}]
    return f"{sum(one.stage in good for one in rows)} of {len(rows)} {'stopped' if down else 'ready'}"


def _eta(boot: Boot, now: float) -> str:
    if boot.eta is None:
        return "end not known: no past boot"
    return f"ends in about {span(boot.eta - now)}" if boot.eta > now else "takes longer than usual"


def slowest(boot: Boot | None) -> tuple[Cell, ...]:
    """Return the slowest path, first to last."""
    if boot is None or not boot.slowest:
        return ()
    return (("SLOWEST ", "accent"), " > ".join(boot.slowest))


def detail(boot: Boot, service: str | None, now: float) -> tuple[Para, ...]:
    """Return the way of the chosen service, then every failure with its last log lines."""
    chosen = next((one for one in boot.rows if one.service == service), None)
    paras: list[Para] = [para((boot.detail, STATE_TONES[boot.state]))] if boot.detail else []
    if chosen is not None:
        paras += _way(chosen, _until(boot, now))
    for one in boot.rows:
        if one.stage is Stage.FAILED and one is not chosen:
            paras += [para((f"{one.service} FAILED ", "bad"), one.detail), *_tail(one, 3)]
    return tuple(paras)


def _way(one: BootRow, until: float) -> tuple[Para, ...]:
    start = began(one)
    cells: list[Cell] = []
    for mark in one.marks:
        cells.append((" > " if cells else "", "dim"))
        cells.append((mark.stage.value, TONES.get(mark.stage, "plain")))
        cells.append((f" {clock(mark.at)}" if start is None else f" +{mark.at - start:.1f}s", "dim"))
    took = spent(one, until)
    usual = "first time here" if one.expected is None else f"usually {span(one.expected)}"
    paras = [title(f"{one.service}   {one.step.value}"), para(*cells) if cells else para(("not begun", "dim"))]
    if took is not None:
        paras.append(fact("took" if one.stage in ENDED else "so far", f"{took:.1f}s, {usual}"))
    if one.waits_for:
        paras.append(fact("waits for", " ".join(one.waits_for)))
    if one.detail:
        paras.append(fact("now", one.detail, "bad" if one.stage is Stage.FAILED else "plain"))
    return (*paras, *_tail(one, len(one.log_tail)))


def _tail(one: BootRow, lines: int) -> Sequence[Para]:
    return tuple(line for text in one.log_tail[-lines:] for line in text_lines(text, "  | ")) if lines else ()


def summary(boot: Boot | None, now: float) -> Para | None:
    """Return the line of the overview: ``BOOT 4m12s, slowest mindsdb``; None = there was none."""
    if boot is None:
        return None
    took = span(_until(boot, now) - boot.began_at)
    cells: list[Cell] = [("BOOT     ", "accent"), f"{boot.verb} {boot.goal or 'everything'} "]
    cells.append((boot.state.value.upper(), STATE_TONES[boot.state]))
    cells.append(f" {took}, {progress(boot)}")
    cells.append(f", slowest {boot.slowest[-1]}" if boot.slowest else "")
    cells.append((f", {_eta(boot, now)}" if boot.state is BootState.RUNNING else "", "dim"))
    return Para(tuple(cells), "         ")


def plan(found: Plan) -> tuple[Para, ...]:
    """Return a plan to be read before it is confirmed: what would fail first, then each step."""
    changes = [step for step in found.steps if step.kind is not StepKind.KEEP]
    kept = [step.name for step in found.steps if step.kind is StepKind.KEEP]
    paras = [title(f"plan: {found.verb} {found.goal or 'everything'}, {many(len(changes), 'step')}")]
    paras += [para(("WOULD FAIL ", "bad"), problem) for problem in found.problems]
    for step in changes:
        after = f" after {' '.join(step.after)}" if step.after else ""
        paras.append(
            para((f"{step.kind.value:<8} ", "accent"), f"{step.object} {step.name}", (f"{after}  {step.why}", "dim"))
        )
    if kept:
        paras.append(fact("stays", " ".join(kept)))
    if found.memory_reserved:
        enough = found.memory_available is None or found.memory_reserved <= found.memory_available
        said = f"{size(found.memory_reserved)} expected, {size(found.memory_available)} available"
        paras.append(fact("memory", said, "plain" if enough else "bad"))
    return tuple(paras)
