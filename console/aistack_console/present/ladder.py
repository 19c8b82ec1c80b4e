"""One service in full: why it is in its state, each rung with its evidence, whom it needs and whom it hits."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from aistack_backend.wire.stack import Provision, Rung, RungName, RungState, Service, Stack
from aistack_console.present import stack as show
from aistack_console.present.kept import kept_words
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Tone
from aistack_console.present.units import day_clock, size, span
from aistack_console.present.words import Word

SAID: dict[RungState, tuple[str, Tone]] = {
    RungState.PASS: ("yes", "ok"),
    RungState.FAIL: ("NO", "bad"),
    RungState.WAIT: ("not yet", "dim"),
    RungState.NONE: ("nothing to check", "dim"),
    RungState.UNKNOWN: ("unknown", "warn"),
}
ENDING = 30 * 86_400
"""Seconds left from which a certificate is warned of."""
HANG = " " * 11


def health(one: Service, stack: Stack, down: float | None, now: float) -> tuple[Para, ...]:
    """Return the Health tab of a service: verdict and cause first, then the ladder, then what surrounds it."""
    word = show.service_word(one, stack, down, now)
    return (
        *_verdict(one, word, now),
        *_cause(one, stack, down, now),
        *_ladder(one, now),
        *_around(one, stack, down, now),
    )


def why(one: Service, stack: Stack, down: float | None, now: float) -> tuple[Para, ...]:
    """Return the way from a service down to its root cause: each with its verdict, the last with its ladder."""
    paras: list[Para] = []
    last = one
    for link in chain(one, stack):
        word = show.service_word(link, stack, down, now)
        paras += [title(f"{link.id}   {link.title}"), *_verdict(link, word, now)]
        last = link
    paras += _ladder(last, now)
    if last.symptoms:
        paras.append(para(f"It {show.hits(last).partition(':')[0]}: ", *names(last.symptoms, stack, down, now)))
    return tuple(paras)


def chain(one: Service, stack: Stack) -> tuple[Service, ...]:
    """Return the service and the one whose fault its own is, when there is one."""
    cause = show.by_id(stack).get(one.root_cause)
    return (one,) if cause is None or cause.id == one.id else (one, cause)


def sentence(one: Service, word: Word) -> str:
    """Return in one sentence why a service is in its state."""
    told = f"{one.id} is {word.word}" + (f": {word.why}" if word.why else "")
    return told.rstrip(".") + "."


def _verdict(one: Service, word: Word, now: float) -> tuple[Para, ...]:
    least = "" if one.watched else "at least "
    since = "" if one.since is None or word.word == "UNKNOWN" else f"   for {least}{span(now - one.since)}"
    paras = [para((f"{word.word} ", word.tone), word.why, (since, "dim"))]
    rows = (("changed", one.changed), ("self-heal", one.heal), ("drift", one.drift))
    paras += [fact(name, value, "warn") for name, value in rows if value]
    if one.held:
        paras.append(fact("held", "an operator holds it: nothing automatic touches it (H lets go)", "warn"))
    return tuple(paras)


def _cause(one: Service, stack: Stack, down: float | None, now: float) -> tuple[Para, ...]:
    paras = []
    cause = show.by_id(stack).get(one.root_cause)
    if cause is not None:
        word = show.service_word(cause, stack, down, now)
        paras.append(
            para(("ROOT CAUSE ", "bad"), f"{cause.id} ", word.cell, f": {word.why}", ("   W shows the way", "dim"))
        )
    if one.symptoms:
        paras.append(para((show.hits(one), "bad")))
    return tuple(paras)


def _ladder(one: Service, now: float) -> Iterable[Para]:
    if not show.climbed(one):
        return
    found = {rung.name: rung for rung in one.rungs}
    yield title("ladder")
    for name in show.RUNGS:
        yield from _rung(name, found.get(name) or Rung(name=name, state=RungState.WAIT), now)


def _rung(name: RungName, rung: Rung, now: float) -> Iterable[Para]:
    glyph = show.GLYPHS[rung.state]
    said, tone = SAID[rung.state]
    at = "" if rung.at is None else f"{day_clock(rung.at, now)} "
    took = "" if rung.took is None or rung.took < 1 else f"  took {rung.took:.1f}s"
    cells: list[Cell] = [
        (f"{glyph} ", tone),
        f"{name.value:<9} ",
        (f"{said} ", tone),
        (at, "dim"),
        rung.evidence,
        (took, "dim"),
    ]
    yield Para(tuple(cells), HANG + " ")
    if rung.next_step:
        yield Para(((f"{HANG}next: ", "accent"), rung.next_step), HANG + "      ")


def _around(one: Service, stack: Stack, down: float | None, now: float) -> Iterable[Para]:
    yield title("around it")
    yield Para((("needs     ", "dim"), *names(one.depends_on, stack, down, now)), " " * 10)
    yield Para((("used by   ", "dim"), *names(one.used_by, stack, down, now)), " " * 10)
    yield fact("provided", _provided(one))
    yield fact("image", one.image or "-")
    yield fact("ports", ", ".join(map(str, one.ports)) or "-")
    yield fact("memory", f"{size(one.memory_reserve)} expected, limit {size(one.memory_limit)}")
    yield fact("tiers", ", ".join(one.tiers) or "-")
    rest = (
        ("licence", one.licence),
        ("update", one.update),
        ("backup", _backup(one, stack, now)),
        ("tls", certificate_words(one, now)),
    )
    ending = one.certificate_until is not None and one.certificate_until - now < ENDING
    yield from (fact(name, value, "warn" if ending and name == "tls" else "plain") for name, value in rest if value)


def certificate_words(one: Service, now: float) -> str:
    """Return until when the certificate holds that a service shows; empty = none was seen."""
    if one.certificate_until is None or one.certificate_at is None:
        return ""
    left = one.certificate_until - now
    day = time.strftime("%Y-%m-%d", time.localtime(one.certificate_until))
    said = f"expires on {day}, {left / 86_400:.0f} days left" if left >= 0 else f"EXPIRED on {day}"
    return f"{said}; serial {one.certificate_serial[:16]}, seen {span(now - one.certificate_at)} ago"


def _backup(one: Service, stack: Stack, now: float) -> str:
    if not one.keeps_data and one.last_backup is None:
        return ""
    return kept_words(stack.backups, one.last_backup, one.backup_verified, now)


def names(ids: Sequence[str], stack: Stack, down: float | None, now: float) -> tuple[Cell, ...]:
    """Return services by name, each with its word; ``-`` for none."""
    known = show.by_id(stack)
    cells: list[Cell] = []
    for number, name in enumerate(ids):
        cells.append(f"{'   ' if number else ''}{name} ")
        cells.append(show.service_word(known[name], stack, down, now).cell if name in known else ("?", "warn"))
    return tuple(cells) or ("-",)


def _provided(one: Service) -> str:
    return f"by container {one.container}" if one.provision is Provision.CONTAINER else show.provided(one)
