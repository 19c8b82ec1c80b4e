"""What lies on disk as rows: images, volumes, networks by kind, then the backups."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.sources import Source
from aistack_backend.wire.storage import Backup, BackupList, Storage, Stored
from aistack_console.present.kept import shelf_words
from aistack_console.present.para import Para, fact, para, title
from aistack_console.present.services import matcher
from aistack_console.present.table import Cell, Column, Row
from aistack_console.present.units import day_clock, size, span
from aistack_console.present.words import source_line, stale

COLUMNS = (
    Column("NAME", 0),
    Column("SIZE", 6, "right"),
    Column("AGE", 6, "right"),
    Column("USE", 10),
    Column("USED BY", 0),
)
KINDS = ("volume", "image", "network")
"""In the order in which they are listed: what holds data first."""
BACKUP = "backup"


def rows(found: Storage | None, backups: BackupList | None, text: str, now: float) -> tuple[Row, ...]:
    """Return a line for each kind with its number and size, and what there is of it below."""
    matches, _ = matcher(text)
    stored = [one for one in found.stored if matches(f"{one.name} {' '.join(one.used_by)}")] if found else []
    out: list[Row] = []
    for kind in (*KINDS, *sorted({one.kind for one in stored} - {*KINDS})):
        mine = sorted((one for one in stored if one.kind == kind), key=lambda one: -(one.size or 0))
        if mine:
            out.append(Row(f"kind:{kind}", (f"{kind}s", _sum(mine)), group=True))
            out += [_row(one, now) for one in mine]
    kept = [one for one in backups.backups if matches(one.id)] if backups else []
    if kept:
        total = size(sum(one.size for one in kept))
        out.append(Row(f"kind:{BACKUP}", ("backups", f"{len(kept)}  {total}"), group=True))
        out += [_backup(one, now) for one in kept]
    return tuple(out)


def key(one: Stored) -> str:
    """Return the key of a row."""
    return f"{one.kind}:{one.id}:{one.name}"


def _sum(mine: list[Stored]) -> str:
    measured = [one.size for one in mine if one.size is not None]
    return f"{len(mine)}  {size(sum(measured))}" if measured else f"{len(mine)}"


def _row(one: Stored, now: float) -> Row:
    use: Cell = ("in use", "ok") if one.used_by else ("prunable", "warn") if one.prunable else ("unused", "dim")
    if one.claimed or one.fixed:
        use = ("kept", "dim")
    age = "-" if one.created_at is None else span(now - one.created_at)
    return Row(key(one), (one.name or one.id[:12], size(one.size), (age, "dim"), use, (" ".join(one.used_by), "dim")))


def _backup(one: Backup, now: float) -> Row:
    proven: Cell = ("unproven", "dim")
    if one.verified:
        proven = ("verified", "ok") if one.verified == "ok" else ("BAD", "bad")
    age: Cell = (span(now - one.at), "dim")
    return Row(f"{BACKUP}:{one.id}", (one.id, size(one.size), age, proven, " ".join(one.services)))


def head(found: Storage | None, backups: BackupList | None, text: str, now: float) -> tuple[Cell, ...]:
    """Return the line above: how old it is, and when the next backup is due."""
    cells: list[Cell] = [("STORAGE  ", "accent")]
    if found is None:
        return (*cells, ("not read yet", "dim"))
    cells.append(f"measured {span(now - found.at)} ago  " if found.at is not None else "never measured  ")
    if backups is not None:
        due = "no schedule" if backups.next_at is None else f"next in {span(backups.next_at - now)}"
        cells.append((f"last backup {shelf_words(backups, now)}, {due}  ", "dim"))
    if text:
        cells.append((f"filter {text}", "dim"))
    return tuple(cells)


def problem(found: Storage | None, podman: Source | None, now: float) -> str:
    """Return what was wrong with Podman when this was read, or is wrong now that it is old; empty = nothing."""
    sources = (podman, found.source) if found is not None else ()
    wrong = (source_line(one, now) for one in sources if one is not None and stale(one, None) is not None)
    return next(wrong, "")


def detail(one: Stored, now: float) -> tuple[Para, ...]:
    """Return one image, volume or network in full."""
    users = " ".join(one.used_by) or "no container"
    paras = [
        para((f"{one.kind} ", "dim"), (one.name or one.id, "accent")),
        fact("id", one.id),
        fact("size", "not measured" if one.size is None else f"{size(one.size)} ({one.size} bytes)"),
        fact("created", day_clock(one.created_at, now)),
        fact("used by", users),
        fact("made by", "this stack" if one.managed else "somebody else"),
    ]
    if not cannot_remove(one):
        typed = " and the data in it, once you have typed its name" if one.kind == "volume" else ""
        paras.append(fact("X", f"removes it{typed}"))
    paras.append(fact("prune", f"{'takes' if one.prunable else 'leaves'} it{f': {one.why}' if one.why else ''}"))
    return tuple(paras)


def cannot_remove(one: Stored) -> str:
    """Return in one sentence why an image, volume or network cannot be removed now; empty = it can."""
    if one.used_by:
        return f"{one.name} is used by {' '.join(one.used_by)}."
    return f"{one.name} stays: {one.why}." if one.fixed else ""


def prunable(found: Storage | None, kind: str) -> tuple[Stored, ...]:
    """Return what the default prune of a kind takes, the biggest first."""
    mine = [one for one in found.stored if one.kind == kind and one.prunable] if found else []
    return tuple(sorted(mine, key=lambda one: -(one.size or 0)))


def chosen_list(chosen: Sequence[Stored], now: float) -> tuple[Para, ...]:
    """Return exactly what ``X`` would ask to remove: each with its size, its age and why nothing uses it."""
    if not chosen:
        return ()
    paras = [title(f"X removes {together(chosen)}")]
    for one in chosen:
        age = "" if one.created_at is None else f"  {span(now - one.created_at)} old"
        why = f"  {one.why}" if one.why else ""
        paras.append(para(f"{one.name or one.id[:12]}  ", (f"{size(one.size)}{age}{why}", "dim"), hang="  "))
    return tuple(paras)


def together(chosen: Sequence[Stored]) -> str:
    """Return how many of which kind, and their size: ``3 images, at most 1.2G``."""
    kind = f"{chosen[0].kind}{'' if len(chosen) == 1 else 's'}"
    measured = [one.size for one in chosen if one.size is not None]
    most = "at most " if chosen[0].kind == "image" else ""  # images share layers
    return f"{len(chosen)} {kind}" + (f", {most}{size(sum(measured))}" if measured else "")


def backup_detail(one: Backup, now: float) -> tuple[Para, ...]:
    """Return one backup in full."""
    said = one.verified or "never: v restores it into a throw-away place and checks it"
    when = "" if one.verified_at is None else f" ({span(now - one.verified_at)} ago)"
    return (
        para(("backup ", "dim"), (one.id, "accent")),
        fact("taken", f"{day_clock(one.at, now)}, {span(now - one.at)} ago"),
        fact("size", size(one.size)),
        fact("folder", one.path),
        fact("holds", " ".join(one.services) or "-"),
        fact("verified", f"{said}{when}", "bad" if one.verified not in {"", "ok"} else "plain"),
    )
