"""Learning in words: the trends, patterns, runs and samples; what was not measured is ``-``."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.learning import (
    LearningStatus,
    Lesson,
    Parts,
    Pattern,
    PatternDetail,
    PatternKind,
    PatternState,
    Run,
    Sample,
    Trend,
    Trial,
)
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import UNMEASURED, bar, clock, day_clock, many, span

COLUMNS = (
    Column("PATTERN", 0),
    Column("KIND", 6, min_screen_width=100),
    Column("USES", 5, "right"),
    Column("WIN%", 5, "right"),
    Column("FROM", 13),
    Column("STATE", 11),
)
REVIEW = (Column("QUESTION", 0), Column("OUT", 4, "right"), Column("VALUE", 5, "right"))
TONES: dict[PatternState, Tone] = {
    PatternState.ACTIVE: "ok",
    PatternState.QUARANTINED: "bad",
    PatternState.CANDIDATE: "dim",
    PatternState.ROLLED_BACK: "warn",
    PatternState.UNKNOWN: "warn",
}
GAP = para("")


def head(found: LearningStatus | None, now: float) -> tuple[Cell, ...]:
    """Return the line above all: on or off, the dataset's size, the next run and the last."""
    if found is None:
        return (("LEARNING  ", "accent"), ("not measured yet", "warn"))
    accepted = found.review.accepted
    word: Cell = ("OFF", "warn") if not found.enabled else ("PAUSED", "warn") if found.paused else ("ON", "ok")
    data = f"{accepted}/{found.threshold} {bar(accepted / max(1, found.threshold))}"
    return (word, f"  data {data}  next run {due(found, now)}  {last(found.runs, now)}")


def due(found: LearningStatus, now: float) -> str:
    """Return in how long the next run is."""
    if found.next_run is None:
        return UNMEASURED
    return span(found.next_run - now) if found.next_run > now else "due"


def last(runs: Sequence[Run], now: float) -> str:
    """Return how the last run ended."""
    if not runs:
        return "last run -"
    one = runs[0]
    if one.ok is None:
        return f"run {one.id} goes on since {span(now - one.began_at)}"
    return f"last {clock(one.began_at, seconds=False)} {'ok' if one.ok else 'FAILED'} {took(one)}"


def took(one: Run) -> str:
    """Return how long a run took."""
    return UNMEASURED if one.took is None else f"{one.took:.1f}s" if one.took < 10 else span(one.took)


def trends(found: LearningStatus | None, now: float, *, months: bool = False) -> tuple[Cell, ...]:
    """Return the shares of the last 7 (or 30) days, each with that of the days before."""
    pair = () if found is None else found.months if months else found.weeks
    if len(pair) != 2:
        return (("nothing was counted yet", "dim"),)
    new, old = pair
    name = "30 days" if months else "7 days"
    return (
        (f"{name}: ", "dim"),
        f"success {moved(old.success, new.success)}  local share {moved(old.local, new.local)}  "
        f"cache {share(new.cache)}  p95 {seconds(new.p95)}  feedback +{new.good} -{new.bad}",
    )


def moved(old: float | None, new: float | None) -> str:
    """Return a share as it was and as it is: ``78>92%``; only as it is where it was not measured before."""
    if new is None or old is None:
        return share(new)
    return f"{old * 100:.0f}>{new * 100:.0f}%"


def share(value: float | None) -> str:
    """Return a share as a percentage."""
    return UNMEASURED if value is None else f"{value * 100:.0f}%"


def seconds(value: float | None) -> str:
    """Return a short time."""
    if value is None:
        return UNMEASURED
    return f"{value * 1000:.0f}ms" if value < 1 else f"{value:.1f}s"


def series(days: Sequence[Trend], name: str) -> list[float | None]:
    """Return one share of each day, the oldest first."""
    return [getattr(one, name) for one in days]


def rows(found: LearningStatus | None) -> tuple[Row, ...]:
    """Return the patterns as rows."""
    return tuple(
        Row(
            f"p{one.id}",
            (
                about(one),
                one.kind.value,
                str(one.uses),
                wins(one),
                one.origin or one.taught_from or UNMEASURED,
                (one.state.value, TONES[one.state]),
            ),
        )
        for one in (found.patterns if found else ())
    )


def about(one: Pattern) -> str:
    """Return what a pattern does, in one line."""
    says = " ".join(one.says.split())
    question = " ".join(one.question.split())
    if one.kind is PatternKind.ROUTE:
        return f"{question} -> {says}"
    return f"{question} -> {says}" if one.kind is PatternKind.ANSWER else f"{question}: told what was corrected"


def wins(one: Pattern) -> str:
    """Return the share of its judged uses that were good."""
    heard = one.wins + one.losses
    return UNMEASURED if not heard else f"{one.wins / heard * 100:.0f}"


def review(found: LearningStatus | None) -> tuple[Row, ...]:
    """Return the waiting samples as rows."""
    waiting = found.review.samples if found else ()
    return tuple(
        Row(
            f"s{one.id}",
            (
                " ".join(one.question.split()),
                str(one.redactions),
                part(one.value),
            ),
        )
        for one in waiting
    )


def review_head(found: LearningStatus | None) -> tuple[Cell, ...]:
    """Return the line above the queue."""
    if found is None:
        return (("REVIEW", "accent"),)
    held = found.review
    redacted = sum(bool(one.redactions) for one in held.samples)
    out = f" ({redacted} redacted)" if redacted else ""
    return (
        ("REVIEW ", "accent"),
        f"{held.waiting} wait{out}, {held.accepted} accepted, {held.dropped} dropped",
    )


def pattern(one: Pattern, detail: PatternDetail | None, now: float) -> tuple[Para, ...]:
    """Return a pattern with its trials and what taught it."""
    facts = (
        ("state", one.state.value),
        ("why", one.reason),
        ("question", one.question),
        ("class", one.task_class),
        ("says", one.says),
        ("sources", ", ".join(one.sources)),
        ("uses", f"{one.uses}, judged good {one.wins}, bad {one.losses}"),
        ("taught", f"by {one.taught}: {one.taught_from or one.origin or UNMEASURED}"),
        ("value", part(one.value)),
        ("made", f"{day_clock(one.created_at, now)}, changed {day_clock(one.changed_at, now)}"),
    )
    told = [para((f"pattern {one.id} ", "accent"), (one.kind.value, TONES[one.state]))]
    told += [fact(name, value, TONES[one.state] if name == "state" else "plain") for name, value in facts if value]
    if detail is not None and detail.pattern.id == one.id:
        told += [GAP, title("before and after, on held-out work"), *(trial(each, now) for each in detail.trials)]
        told += [] if detail.trials else [para(("It was not tried yet: the next run does it.", "dim"))]
        told += [GAP, title("what taught it")]
        told += [lesson(each) for each in detail.lessons]
    return tuple(told)


def lesson(one: Lesson) -> Para:
    """Return what taught a pattern in a line, with the parts of its value."""
    judged = f"{one.judgement} by {one.judged_by}, value {value(one.parts)}"
    return para((f"#{one.id} ", "dim"), f"{' '.join(one.query.split())}  ", (judged, "dim"))


def trial(one: Trial, now: float) -> Para:
    """Return one trial in a line."""
    return para((f"{day_clock(one.at, now)} ", "dim"), (one.detail, "ok" if one.passed else "warn"))


def value(parts: Parts) -> str:
    """Return a value with its parts: ``0.81 = outcome 1.0, …``."""
    names = ("outcome", "feedback", "reusability", "complexity", "novelty")
    told = [(name, getattr(parts, name)) for name in names]
    shown = ", ".join(f"{name} {part(each)}" for name, each in told)
    return f"{part(parts.value)} ({shown})"


def part(value: float | None) -> str:
    """Return a value, or a part of one."""
    return UNMEASURED if value is None else f"{value:.2f}"


def sample(one: Sample, now: float) -> tuple[Para, ...]:
    """Return a sample in full."""
    told = (
        ("question", one.question),
        ("answer", one.answer),
        ("class", one.task_class),
        ("taken out", f"{one.redactions} secrets or personal data"),
        ("value", part(one.value)),
        ("from", one.origin or (UNMEASURED if one.interaction_id is None else f"interaction {one.interaction_id}")),
        ("made", day_clock(one.made_at, now)),
        ("reviewed", one.reviewed_by and f"by {one.reviewed_by}"),
    )
    head = para((f"sample {one.id} ", "accent"), (one.state.value, "warn"))
    return (head, *(fact(name, text) for name, text in told if text))


def runs(found: LearningStatus | None, now: float, most: int) -> tuple[Para, ...]:
    """Return the newest runs, one a line."""
    told = [run(one, now) for one in (found.runs[:most] if found else ())]
    return (title("runs"), *told) if told else ()


def run(one: Run, now: float) -> Para:
    """Return one run in a line."""
    word: Cell = ("goes on", "accent") if one.ok is None else ("ok", "ok") if one.ok else ("FAILED", "bad")
    counts = f" read {one.read}, taught {one.taught}, made {one.made}, active {one.activated}, to review {one.samples}"
    tail = f"  {took(one)}  by {one.by}" + (f": {one.detail}" if one.detail else "")
    return para((f"{day_clock(one.began_at, now)} ", "dim"), word, counts, (tail, "dim"))


def nothing(found: LearningStatus) -> tuple[Para, ...]:
    """Return what the screen says while nothing was learned: what there is, and what to do."""
    model = f"by the vectors of {found.model}" if found.model else "by their words: no embedding model was asked yet"
    return (
        para("Nothing was learned yet."),
        GAP,
        fact("there is", f"{many(found.interactions, 'interaction')} written down, {found.judged} of them judged"),
        fact("comes", "patterns, from answers that went well and that a person judged good or corrected"),
        fact("try", "aistack-console route ask QUESTION, then learn judge NUMBER good"),
        fact("r", "makes a run now; else one is made each interval"),
        fact("compared", f"questions are compared {model}"),
        fact("rule", "a pattern is used only after it did better on work that taught it nothing; R takes it back"),
    )
