"""``learn``: how learning stands, its patterns and samples, and what a person changes about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from aistack_backend.wire.learning import Judgement, LearningStatus, PatternDetail, Sample, SampleList, Trend
from aistack_console.client.api import Client
from aistack_console.present import learning as show
from aistack_console.present.para import Para
from aistack_console.present.units import UNMEASURED, many, span
from aistack_console.text import plain
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit

JUDGEMENTS = ("good", "bad", "corrected")


def run(context: Context) -> Exit:
    """Do what the first word says."""
    doing: dict[str, Callable[[Context], Exit]] = {
        "status": _status,
        "patterns": _patterns,
        "pattern": _pattern,
        "rollback": _rollback,
        "retry": _retry,
        "review": _review,
        "accept": _accept,
        "drop": _drop,
        "edit": _edit,
        "judge": _judge,
        "run": _run,
        "pause": _pause,
        "resume": _pause,
        "export": _export,
    }
    return doing[context.arguments.what](context)


def _status(context: Context) -> Exit:
    _words(context, 0, "learn takes no words.", "To see one pattern: learn pattern N")
    found = context.with_backend(lambda client: client.learning())
    context.show(found, lambda: _told(found))
    return Exit.OK


def _told(found: LearningStatus) -> str:
    now = time.time()
    word = "off" if not found.enabled else "paused" if found.paused else "on"
    due = (
        UNMEASURED if found.next_run is None else f"in {span(found.next_run - now)}" if found.next_run > now else "due"
    )
    states = [one.state.value for one in found.patterns]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "none"
    held = found.review
    pairs = [
        ("learning", f"{word}, a run each {span(found.interval)}, next {due}"),
        ("telemetry", f"{found.interactions} interactions, {found.judged} judged"),
        ("patterns", counts),
        ("dataset", f"{held.accepted} of {found.threshold} accepted, {held.waiting} wait for review"),
        ("compared", f"by the vectors of {found.model}" if found.model else "by words"),
        *((f"{days} days", _trend(found.weeks if days == 7 else found.months)) for days in (7, 30)),
    ]
    lines = [_line(show.run(one, now)) for one in found.runs[:5]]
    return "\n".join([fields(pairs), *([""] if lines else []), *lines])


def _trend(pair: Sequence[Trend]) -> str:
    if len(pair) != 2:
        return UNMEASURED
    new, old = pair
    return (
        f"{new.interactions} interactions, success {show.moved(old.success, new.success)}, local share "
        f"{show.moved(old.local, new.local)}, cache {show.share(new.cache)}, p95 {show.seconds(new.p95)}, "
        f"good {new.good}, bad {new.bad}"
    )


def _patterns(context: Context) -> Exit:
    _words(context, 0, "learn patterns takes no words.", "To see one: learn pattern N")
    found = context.with_backend(lambda client: client.patterns(context.arguments.state))
    titles = ["ID", "KIND", "STATE", "USES", "WIN%", "TAUGHT BY", "PATTERN"]
    rows = [
        [
            str(one.id),
            one.kind.value,
            one.state.value,
            str(one.uses),
            show.wins(one),
            one.origin or one.taught_from or UNMEASURED,
            _cut(show.about(one)),
        ]
        for one in found.patterns
    ]
    context.show(found, lambda: columns(titles, rows))
    return Exit.OK


def _pattern(context: Context) -> Exit:
    number = _number(context, "pattern")
    found = context.with_backend(lambda client: client.pattern(number))
    context.show(found, lambda: _detail(found))
    return Exit.OK


def _detail(found: PatternDetail) -> str:
    return "\n".join(_line(one) for one in show.pattern(found.pattern, found, time.time()))


def _rollback(context: Context) -> Exit:
    context.mutate("learn rollback")
    number, reason = _number(context, "pattern"), context.arguments.reason
    done = context.with_backend(lambda client: client.roll_back(number, reason))
    context.show(done, lambda: f"Pattern {done.id} is {done.state.value}: it is used no more.")
    return Exit.OK


def _retry(context: Context) -> Exit:
    context.mutate("learn retry")
    number = _number(context, "pattern")
    done = context.with_backend(lambda client: client.retry_pattern(number))
    context.show(done, lambda: f"Pattern {done.id} is a {done.state.value}: the next run tries it again.")
    return Exit.OK


def _review(context: Context) -> Exit:
    _words(context, 0, "learn review takes no words.", "To accept one: learn accept N")
    found = context.with_backend(lambda client: client.samples(context.arguments.state or "waiting"))
    context.show(found, lambda: _queue(found))
    return Exit.OK


def _queue(found: SampleList) -> str:
    head = f"{found.waiting} wait, {found.accepted} accepted, {found.dropped} dropped."
    return "\n\n".join([head, *map(_sample, found.samples)])


def _sample(one: Sample) -> str:
    return "\n".join(_line(each) for each in show.sample(one, time.time()))


def _accept(context: Context) -> Exit:
    context.mutate("learn accept")
    number = _number(context, "sample")
    done = context.with_backend(lambda client: client.accept_sample(number))
    context.show(done, lambda: f"Sample {done.id} is {done.state.value}.")
    return Exit.OK


def _drop(context: Context) -> Exit:
    context.mutate("learn drop")
    number = _number(context, "sample")
    done = context.with_backend(lambda client: client.drop_sample(number))
    context.show(done, lambda: f"Sample {done.id} is {done.state.value}.")
    return Exit.OK


def _edit(context: Context) -> Exit:
    context.mutate("learn edit")
    number, held = _number(context, "sample"), context.arguments
    if not held.question and not held.answer:
        raise VerbError(Exit.USAGE, "Say what is to change.", "--question TEXT, --answer TEXT, or both.")

    async def job(client: Client) -> Sample:
        known = next((one for one in (await client.samples("")).samples if one.id == number), None)
        if known is None and not (held.question and held.answer):
            raise VerbError(Exit.FAILED, f"There is no sample {number}.", "learn review lists them.")
        question = held.question or (known.question if known else "")
        return await client.edit_sample(number, question, held.answer or (known.answer if known else ""))

    done = context.with_backend(job)
    context.show(done, lambda: f"Sample {done.id} is {done.state.value}, as it says now:\n{_sample(done)}")
    return Exit.OK


def _judge(context: Context) -> Exit:
    context.mutate("learn judge")
    number, word = _words(context, 2, "Say a number, and good, bad or corrected.", "learn judge 12 good")
    said = context.arguments.answer
    if not number.isdecimal() or word not in JUDGEMENTS:
        raise VerbError(Exit.USAGE, "Say a number, and good, bad or corrected.", "learn judge 12 good")
    if bool(said) is not (word == "corrected"):
        raise VerbError(Exit.USAGE, "What would be right goes with corrected, and only there.", "--answer TEXT")
    done = context.with_backend(lambda client: client.judge(int(number), Judgement(word), said))
    context.show(done, lambda: f"Interaction {done.id} is judged {done.judgement}: {plain(_cut(done.query))}")
    return Exit.OK


def _run(context: Context) -> Exit:
    context.mutate("learn run")
    _words(context, 0, "learn run takes no words.", "To see the runs: learn")
    done = context.with_backend(lambda client: client.learn_now())
    context.show(done, lambda: _line(show.run(done, time.time())))
    return Exit.OK if done.ok else Exit.FAILED


def _pause(context: Context) -> Exit:
    what = context.arguments.what
    context.mutate(f"learn {what}")
    _words(context, 0, f"learn {what} takes no words.", "To see how it stands: learn")
    done = context.with_backend(lambda client: client.pause_learning(what == "pause"))
    said = "No runs are made by the clock until learn resume." if done.paused else "Runs are made by the clock again."
    context.show(done, lambda: said)
    return Exit.OK


def _export(context: Context) -> Exit:
    context.mutate("learn export")
    (path,) = _words(context, 1, "Say one file to write.", "learn export dataset.jsonl")
    done = context.with_backend(lambda client: client.export_dataset(str(Path(path).expanduser().absolute())))
    told = f"{many(done.count, 'line')} of at least {done.threshold} in {done.path}, sha256 {done.sha256}."
    context.show(done, lambda: plain(told))
    return Exit.OK


def _number(context: Context, what: str) -> int:
    (text,) = _words(context, 1, f"Say the number of one {what}.", f"learn {_LISTS[what]} lists them.")
    if not text.isdecimal():
        raise VerbError(Exit.USAGE, f"{text!r} is no number of a {what}.", f"learn {_LISTS[what]} lists them.")
    return int(text)


_LISTS = {"pattern": "patterns", "sample": "review"}


def _words(context: Context, count: int, detail: str, hint: str) -> list[str]:
    rest: list[str] = context.arguments.rest
    if len(rest) != count:
        raise VerbError(Exit.USAGE, detail, hint)
    return rest


def _line(one: Para) -> str:
    return plain("".join(cell if isinstance(cell, str) else cell[0] for cell in one.cells).rstrip())


def _cut(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
