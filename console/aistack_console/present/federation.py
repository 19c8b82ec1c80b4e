"""Federation in words: what came and waits, who would win by which rule, who is trusted, and the bundles."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.federation import Bundle, Federation, HeldItem, HeldItems, Rival, Rule, Signer, TakenList
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import UNMEASURED, day_clock, span

COLUMNS = (Column("KIND", 6), Column("WHAT", 0), Column("FROM", 12), Column("CAME", 11), Column("STATE", 13))
WAITING, SIGNERS, BUNDLES = "waits for a person", "keys: ours, and who may send", "bundles, in and out"
OWN = "own"
"""The row of our own key."""
GAP = para("")


def head(found: Federation | None, at: float | None, now: float) -> tuple[Cell, ...]:
    """Return the line above all: the role, what waits, who is trusted, and how old that is."""
    if found is None:
        return (("FEDERATION  ", "accent"), ("not read yet", "warn"))
    trusted = sum(standing(one, now)[0] == "trusted" for one in found.signers)
    waits: Cell = (f"{found.quarantined} wait", "warn" if found.quarantined else "plain")
    key = f"own key {found.key[:8]}…" if found.key else "no key yet"
    return (
        ("FEDERATION  ", "accent"),
        f"{found.role.value}  ",
        waits,
        f"  {trusted} trusted  {key}",
        (f"  read {span(now - at)} ago" if at is not None else "", "dim"),
    )


def rows(found: Federation | None, items: HeldItems | None, now: float) -> tuple[Row, ...]:
    """Return what waits, the signers and the bundles, each kind below its heading."""
    if found is None:
        return ()
    came = {one.id: one.at for one in found.bundles}
    kinds = (
        (WAITING, [_item(one, came.get(one.bundle), now) for one in (items.items if items else ())]),
        (SIGNERS, [*_own(found), *(_signer(one, now) for one in found.signers)]),
        (BUNDLES, [_bundle(one, now) for one in found.bundles]),
    )
    return tuple(row for name, mine in kinds if mine for row in (_heading(name, len(mine)), *mine))


def _heading(name: str, count: int) -> Row:
    return Row(f"head:{name}", ((f"{name} ({count})", "accent"),), group=True)


def _item(one: HeldItem, came: float | None, now: float) -> Row:
    held = one.item
    against = len(one.rivals)
    state: Cell = (f"{against} against" if against else "waits", "warn" if against else "plain")
    what = f"{' '.join(held.question.split())} -> {' '.join(held.says.split())}"
    return Row(f"item:{one.id}", (held.kind or held.type.value, what, one.signer, day_clock(came, now), state))


def _own(found: Federation) -> tuple[Row, ...]:
    return (Row(OWN, ("own", found.key, "us", "", ("made", "ok"))),) if found.key else ()


def _signer(one: Signer, now: float) -> Row:
    return Row(f"signer:{one.name}", ("signer", one.key, one.name, day_clock(one.added_at, now), standing(one, now)))


def _bundle(one: Bundle, now: float) -> Row:
    way = "in" if one.signer else "out"
    what = f"number {one.number}: {one.items} items, {one.left_out} left out"
    return Row(f"bundle:{one.id}", (way, what, one.signer or "us", day_clock(one.at, now), validity(one, now)))


def standing(one: Signer, now: float) -> tuple[str, Tone]:
    """Return whether a signer is trusted now."""
    if one.revoked_at is not None:
        return ("revoked", "bad")
    return ("expired", "warn") if one.expires_at is not None and now > one.expires_at else ("trusted", "ok")


def validity(one: Bundle, now: float) -> tuple[str, Tone]:
    """Return what a bundle is good for: one that came was proven then; one that went out may be taken in or not."""
    if one.signer:
        return ("taken in", "plain")
    return ("expired", "dim") if now > one.expires_at else ("valid", "ok")


def item(one: HeldItem, found: Federation, now: float) -> tuple[Para, ...]:
    """Return an item in full: what it says, whose word that is, and what here says otherwise."""
    held = one.item
    came = next((each for each in found.bundles if each.id == one.bundle), None)
    told = (
        ("class", held.task_class),
        ("sources", ", ".join(held.sources)),
        ("value", UNMEASURED if held.value is None else f"{held.value:.2f}, as {one.signer} valued it"),
        ("changed", day_clock(held.changed_at, now)),
        ("taught by", f"{held.origin}, so {one.signer} says" if held.origin else one.signer),
        ("taken out", f"{one.redactions} secrets or personal data, on this side" if one.redactions else ""),
        ("signature", signature(one, came, found.signers, now)),
    )
    head = para((f"item {one.id} ", "accent"), held.kind or held.type.value, (f"  {one.state.value}", "warn"))
    against: tuple[Para, ...] = (para(("Nothing here says otherwise.", "dim")),)
    if one.rivals:
        against = (title("what here says otherwise"), *(line for each in one.rivals for line in rival(each)), GAP)
    about = (fact("question", held.question), fact("says", held.says))
    return (head, *about, *against, *(fact(name, text) for name, text in told if text))


def signature(one: HeldItem, came: Bundle | None, signers: Sequence[Signer], now: float) -> str:
    """Return what was proven, when, and how its signer stands now; an item only lies here when its signature held."""
    sender = next((each for each in signers if each.name == one.signer), None)
    stands = f"{one.signer} is {standing(sender, now)[0]} now" if sender else f"{one.signer} is not known now"
    if came is None:
        return f"held when it was taken in; {stands}"
    return f"held when bundle {came.number} was taken in, {day_clock(came.at, now)} by {came.by}; {stands}"


def rival(one: Rival) -> tuple[Para, ...]:
    """Return something that says otherwise, and who wins by which rule."""
    who = f"pattern {one.pattern}" if one.pattern else f"item {one.item}"
    wins = {True: "the one from elsewhere", False: f"this {who}"}
    return (
        para((f"{who} ", "accent"), f"({one.state}, value {_value(one.value)}) says: ", one.says),
        fact("  latest", f"{wins[one.latest]} wins", width=16),
        fact("  highest-value", f"{wins[one.highest_value]} wins", width=16),
    )


def rules(one: HeldItem) -> tuple[tuple[str, str], ...]:
    """Return the rules to choose from, each with what would become of the item by it."""
    latest, value = (all(getattr(each, name) for each in one.rivals) for name in ("latest", "highest_value"))
    fate = {True: "it is let in", False: "it is dropped: what is here wins"}
    return (
        (Rule.KEEP_BOTH.value, "it is let in, and the trial decides"),
        (Rule.LATEST.value, fate[latest]),
        (Rule.HIGHEST_VALUE.value, fate[value]),
    )


def signer(one: Signer, now: float) -> tuple[Para, ...]:
    """Return a signer in full."""
    until = "until revoked" if one.expires_at is None else f"until {day_clock(one.expires_at, now)}"
    told = (
        ("key", grouped(one.key)),
        ("trusted", f"since {day_clock(one.added_at, now)} by {one.added_by}, {until}"),
        ("revoked", "" if one.revoked_at is None else day_clock(one.revoked_at, now)),
        ("newest", f"its bundle {one.number}; the next has a higher number" if one.number else "no bundle came yet"),
    )
    return (para((f"{one.name} ", "accent"), standing(one, now)), *(fact(name, text) for name, text in told if text))


def bundle(one: Bundle, now: float) -> tuple[Para, ...]:
    """Return a bundle in full."""
    told = (
        ("file", one.path),
        ("sha256", one.sha256),
        ("items", f"{one.items}, {one.left_out} left out (known, or nothing but secrets)"),
        ("taken out", f"{one.redactions} secrets or personal data"),
        ("made", f"{day_clock(one.created_at, now)}, may be taken in until {day_clock(one.expires_at, now)}"),
        ("here", f"{'taken in' if one.signer else 'written'} {day_clock(one.at, now)} by {one.by}"),
        ("signature", "held when it was taken in" if one.signer else "made with our own key"),
    )
    way = f"from {one.signer}" if one.signer else "out"
    return (para((f"bundle {one.number} ", "accent"), way), *(fact(name, text) for name, text in told))


def grouped(key: str) -> str:
    """Return a key in groups of eight, as two people read it to each other."""
    return " ".join(key[at : at + 8] for at in range(0, len(key), 8))


def nothing(found: Federation) -> tuple[Para, ...]:
    """Return what the screen says when nothing came yet: what could, and by which keys."""
    return (para("Nothing came from elsewhere, and nothing went out."), GAP, *ways(found))


def own(found: Federation) -> tuple[Para, ...]:
    """Return our own key as it is told to others."""
    said = "Others trust us by it: N on their screen, by a way that both sides trust. Whoever has it can only check."
    return (para(("our key", "accent")), fact("key", grouped(found.key)), para(said))


def ways(found: Federation) -> tuple[Para, ...]:
    """Return what each key of the screen does, with the rule."""
    return (
        fact("K", "makes the key of this installation" if not found.key else f"is made: {grouped(found.key)}"),
        fact("N", "trusts another installation: its name and its key, told by a way that you trust"),
        fact("I", "takes in a bundle, or those of a folder, of who is trusted"),
        fact("E", "writes what is active and accepted here to a signed file; nothing is sent"),
        fact("rule", "what comes in waits, and nothing reads it until a person here lets it in"),
    )


def _value(value: float | None) -> str:
    return UNMEASURED if value is None else f"{value:.2f}"


def taken(found: TakenList) -> str:
    """Return what became of each file that was to be taken in."""
    lines = [
        f"Refused. {one.refused}"
        if one.bundle is None
        else f"Bundle {one.bundle.number} of {one.bundle.signer}: {one.bundle.items} items wait, "
        f"{one.bundle.left_out} left out."
        for one in found.files
    ]
    return "\n".join(lines) or "There is no bundle in that folder."


def given(one: Bundle) -> str:
    """Return what a bundle that was written holds."""
    return f"{one.path}: {one.items} items, {one.redactions} things taken out, {one.left_out} items left out."
