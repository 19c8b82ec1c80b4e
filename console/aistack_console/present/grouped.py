"""The services list of a stack: a line for each group, its services below it, other containers last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from aistack_backend.wire.containers import Container, ContainerState, Fleet, RemoteHost, Usage, UsageTable
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import RungName, RungState, Service, Stack
from aistack_console.present import stack as show
from aistack_console.present.services import (
    Listed,
    View,
    first_port,
    image_name,
    matcher,
    order,
    plain_row,
    samples,
    uptime,
)
from aistack_console.present.table import Cell, Column, Row
from aistack_console.present.units import percent, size
from aistack_console.present.words import Word, faulty, fleet_word, source_line

COLUMNS = (
    Column("NAME", 18),
    Column("STATE", 8),
    Column("LADDER", 6),
    Column("UP", 5, "right"),
    Column("RST", 3, "right", min_screen_width=100),
    Column("CPU%", 4, "right"),
    Column("MEM/LIM", 9, "right"),
    Column("PORT", 6),
    Column("IMAGE", 24, min_screen_width=180),
    Column("WHY", 0),
)
Matches = Callable[[str], bool]
SERVICE, GROUP = "service:", "group:"
"""What keys of rows begin with; a container that belongs to no service has its ref."""
HOST = "host "
"""What the names of the groups of other machines begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the list is made of, at one moment."""

    stack: Stack
    fleet: Fleet | None
    usage: UsageTable | None
    down: float | None
    now: float
    own: Mapping[str, Cell]
    """What stands in the last column of a service or container whose action was asked from here."""


def listed(world: World, view: View, folded: Collection[str] = ()) -> Listed:
    """Return the rows; of a group in ``folded`` only its line is shown."""
    matches, fault = matcher(view.text)
    used = samples(world.usage, world.fleet, world.down, world.now) if world.fleet else {}
    rows: list[Row] = []
    shown = 0
    for group in show.groups(world.stack, world.down, world.now):
        mine = [pair for pair in group.services if _wanted(pair, view, matches)]
        mine.sort(key=lambda pair: _order(pair, world, used, view), reverse=view.reverse)
        if mine:
            rows.append(_line(group.name, group.count, group.name in folded))
            rows += [] if group.name in folded else [_service(one, word, world, used) for one, word in mine]
        shown += len(mine)
    boxes = _others(world, view, matches, used, "")
    if boxes:
        rows.append(_line(show.OTHER, f"{len(boxes)}", show.OTHER in folded))
        rows += [] if show.OTHER in folded else boxes
    others = len(boxes)
    for host in world.fleet.hosts if world.fleet else ():
        name, boxes = f"{HOST}{host.name}", _others(world, view, matches, used, host.name)
        rows.append(_line(name, _told(host, len(boxes)), name in folded))
        rows += [] if name in folded else boxes
        others += len(boxes)
    head = _head(world, shown, others, view)
    return Listed(rows=tuple(rows), head=head, problem=_problem(world, fault))


def group_of(one: Container) -> str:
    """Return the name of the group of a container that belongs to no service."""
    return f"{HOST}{one.host}" if one.host else show.OTHER


def _told(host: RemoteHost, shown: int) -> str:
    """Return how many containers of a machine are listed, and how it is when it is not well."""
    count = f"{shown}" if host.at is not None else "not measured"
    return count if host.source.state is SourceState.OK else f"{count}  {host.source.state.value}"


def _line(name: str, count: str, folded: bool) -> Row:
    return Row(f"{GROUP}{name}", (f"{'>' if folded else 'v'} {name}", count), group=True)


def _wanted(pair: tuple[Service, Word], view: View, matches: Matches) -> bool:
    one, word = pair
    if view.hide_stopped and word.word == "STOPPED":
        return False
    return matches(f"{one.id} {one.title} {one.group} {one.image} {word.word}")


def _order(pair: tuple[Service, Word], world: World, used: Mapping[str, Usage], view: View) -> tuple[object, ...]:
    one, word = pair
    box = show.container_of(one, world.fleet)
    return order(one.id, word, box, used.get(box.ref) if box else None, view.sort)


def _service(one: Service, word: Word, world: World, used: Mapping[str, Usage]) -> Row:
    box = show.container_of(one, world.fleet)
    sample = used.get(box.ref) if box and box.state is ContainerState.RUNNING else None
    current = word.word != "UNKNOWN"
    own = world.own.get(one.id) or (world.own.get(box.ref) if box else None)
    why = show.why(one, word)
    return Row(
        f"{SERVICE}{one.id}",
        (
            one.id,
            word.cell,
            show.ladder_cell(one, word),
            uptime(box, world.now) if box and current else ("-", "dim"),
            "-" if box is None or box.restarts is None else str(box.restarts),
            percent(sample.cpu_percent) if sample else ("-", "dim"),
            f"{size(sample.memory)}/{size(sample.memory_limit)}" if sample else ("-", "dim"),
            _port(one, box),
            image_name(one.image),
            own or (why, "dim" if word.word in {"OK", "STOPPED"} else word.tone),
        ),
    )


def _port(one: Service, box: Container | None) -> Cell:
    """Return the first port, with ``!`` when the ladder says that it is not bound."""
    text = first_port(box.ports) if box and box.ports else (str(min(one.ports)) if one.ports else "")
    shut = any(rung.name is RungName.LISTENING and rung.state is RungState.FAIL for rung in one.rungs)
    return (f"{text}!", "bad") if shut and text else text


def _others(world: World, view: View, matches: Matches, used: Mapping[str, Usage], host: str) -> list[Row]:
    """Return the containers of one machine that belong to no service; of another machine none does."""
    fleet = world.fleet
    found = [
        (box, fleet_word(box, fleet, world.down, world.now))
        for box in show.others(world.stack, fleet)
        if fleet is not None and box.host == host
    ]
    found = [
        (box, word)
        for box, word in found
        if not (view.hide_stopped and word.word == "STOPPED") and matches(f"{box.full_name} {box.image} {word.word}")
    ]
    found.sort(key=lambda pair: order(pair[0].name, pair[1], pair[0], used.get(pair[0].ref), view.sort))
    if view.reverse:
        found.reverse()
    return [_widened(box, word, world, used) for box, word in found]


def _widened(box: Container, word: Word, world: World, used: Mapping[str, Usage]) -> Row:
    """Return the row of a container in the columns of a stack: it has no ladder."""
    row = plain_row(box, word, used.get(box.ref), world.now, world.own.get(box.ref))
    _, state, up, cpu, memory, port, image, why = row.cells
    restarts = "-" if box.restarts is None else str(box.restarts)
    return Row(box.ref, (box.name, state, "", up, restarts, cpu, memory, port, image, why))


def _head(world: World, shown: int, boxes: int, view: View) -> str:
    total = len(world.stack.services)
    words = [f"{shown} of {total}" if shown != total else f"{total}"]
    words.append(f"{boxes} other container{'' if boxes == 1 else 's'}" if boxes else "")
    words.append(f"by {view.sort}{' reversed' if view.reverse else ''}")
    words.append("HOLD: nothing automatic happens" if world.stack.hold else "")
    words.append("stopped hidden (A shows)" if view.hide_stopped else "")
    words.append(f"filter {view.text}" if view.text else "")
    return "   ".join(filter(None, words))


def _problem(world: World, fault: str) -> str:
    said = show.problem(world.stack, world.now)
    source = faulty(world.fleet) if world.fleet is not None else None
    return said or (source_line(source, world.now) if source else "") or fault
