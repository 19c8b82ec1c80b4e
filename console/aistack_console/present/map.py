"""The service map: services in layers by what they need, the chosen one's ties drawn, and the same facts as a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from aistack_backend.wire.stack import Service, Stack
from aistack_console.cells import fit, width_of
from aistack_console.present import stack as show
from aistack_console.present import traffic
from aistack_console.present.para import Para
from aistack_console.present.table import Cell, Column, Row, Tone
from aistack_console.present.units import many

NODE, LANE = 24, 2
"""Cells of a node, and of the lane to its left in which ties run down to it."""
COLUMNS = (
    Column("SERVICE", 24),
    Column("STATE", 8),
    Column("NEEDS", 0),
    Column("USED BY", 0),
    Column("WHY", 0, min_screen_width=100),
)
NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
JOINTS = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"
"""The glyph of each set of directions that meet in a cell."""
ARROW = "▶"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: its line of nodes, from the top, and its column."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Every service's place at a width."""

    lines: tuple[tuple[Service, ...], ...]
    places: dict[str, Place]
    depth: dict[str, int]


def depths(stack: Stack) -> dict[str, int]:
    """Return how many steps down each service's longest way goes; what needs nothing has 0. A ring is cut."""
    known = show.by_id(stack)
    found: dict[str, int] = {}

    def depth(name: str, above: frozenset[str]) -> int:
        if name not in found:
            below = [one for one in known[name].depends_on if one in known and one not in above and one != name]
            found[name] = 1 + max((depth(one, above | {name}) for one in below), default=-1)
        return found[name]

    for one in stack.services:
        depth(one.id, frozenset())
    return found


def layout(stack: Stack, width: int) -> Layout:
    """Return the services in layers, what is needed lowest; a layer too wide for the screen goes on a further line."""
    depth = depths(stack)
    across = max(1, width // (NODE + LANE))
    lines: list[tuple[Service, ...]] = []
    for level in sorted(set(depth.values()), reverse=True):
        layer = [one for one in stack.services if depth[one.id] == level]
        lines += [tuple(layer[at : at + across]) for at in range(0, len(layer), across)]
    places = {one.id: Place(row, column) for row, line in enumerate(lines) for column, one in enumerate(line)}
    return Layout(lines=tuple(lines), places=places, depth=depth)


def blast(stack: Stack, service: str) -> tuple[str, ...]:
    """Return every service that needs this one, also through others, nearest first."""
    users: dict[str, list[str]] = {}
    for one in stack.services:
        for need in one.depends_on:
            users.setdefault(need, []).append(one.id)
    found, queue = [], [service]
    while queue:
        for user in users.get(queue.pop(0), ()):
            if user not in found and user != service:
                found.append(user)
                queue.append(user)
    return tuple(found)


def ties(stack: Stack, chosen: str, marked: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return ``(user, need)`` of the ties that are drawn: the chosen one's, or those within a blast radius."""
    pairs = [(one.id, need) for one in stack.services for need in one.depends_on]
    if marked:
        inside = {chosen, *marked}
        return tuple(pair for pair in pairs if pair[0] in inside and pair[1] in inside)
    return tuple(pair for pair in pairs if chosen in pair)


class Canvas:
    """Lines of characters with tones; a line between two lines of nodes carries the ties."""

    def __init__(self, plan: Layout, width: int) -> None:
        self._plan = plan
        self.chars = [[" "] * width for _ in range(2 * len(plan.lines))]
        self.tones: list[list[Tone]] = [["plain"] * width for _ in self.chars]
        self._width = width

    def put(self, row: int, column: int, text: str, tone: Tone) -> None:
        """Write a text; what lies outside is left out."""
        for at, char in enumerate(text, column):
            if 0 <= row < len(self.chars) and 0 <= at < self._width:
                self.chars[row][at], self.tones[row][at] = char, tone

    def tie(self, user: str, need: str) -> None:
        """Draw from below the user along the next line between, down the lane of what it needs, to that."""
        start, end = self._plan.places.get(user), self._plan.places.get(need)
        if start is None or end is None or end.line <= start.line:
            return
        row, lane = 2 * start.line + 1, end.column * (NODE + LANE)
        out = start.column * (NODE + LANE) + LANE + 2
        first, last = min(out, lane), max(out, lane)
        for at in range(first, last + 1):
            self._join(row, at, (WEST if at > first else 0) | (EAST if at < last else 0))
        self._join(row, out, NORTH)
        self._join(row, lane, SOUTH)
        for down in range(row + 1, 2 * end.line):
            self._join(down, lane, NORTH | SOUTH)
        self._join(2 * end.line, lane, NORTH | EAST)
        self.put(2 * end.line, lane + 1, ARROW, "accent")

    def name(self, user: str, need: str, chosen: str, cell: Cell) -> None:
        """Write on a tie of the chosen service, at its other end: below who needs it, above what it needs."""
        start, end = self._plan.places.get(user), self._plan.places.get(need)
        if start is None or end is None or end.line <= start.line:
            return
        text, tone = cell if isinstance(cell, tuple) else (cell, "plain")
        row, column = (2 * start.line + 1, start.column) if need == chosen else (2 * end.line - 1, end.column)
        self.put(row, column * (NODE + LANE) + LANE + 3, f" {fit(text, NODE - 5)} ", tone)

    def _join(self, row: int, column: int, ways: int) -> None:
        was = JOINTS.find(self.chars[row][column])
        self.put(row, column, JOINTS[max(was, 0) | ways], "accent")

    def paras(self) -> tuple[Para, ...]:
        """Return the lines as toned text."""
        return tuple(Para(_cells(chars, tones)) for chars, tones in zip(self.chars, self.tones, strict=True))


def _cells(chars: Sequence[str], tones: Sequence[Tone]) -> tuple[Cell, ...]:
    cells: list[tuple[str, Tone]] = []
    for char, tone in zip(chars, tones, strict=True):
        if cells and cells[-1][1] == tone:
            cells[-1] = (cells[-1][0] + char, tone)
        else:
            cells.append((char, tone))
    return tuple(cells)


def graph(
    stack: Stack,
    chosen: str,
    marked: Collection[str],
    width: int,
    *,
    down: float | None,
    now: float,
    labels: Mapping[tuple[str, str], Cell] | None = None,
) -> tuple[Para, ...]:
    """Return the map: ``>[chosen]<``, others ``[name WORD]``, in the blast radius ``*name WORD*``; ``labels`` stand on
    the ties of the chosen one."""
    plan = layout(stack, width)
    canvas = Canvas(plan, width)
    for user, need in ties(stack, chosen, marked):
        canvas.tie(user, need)
    for user, need in ties(stack, chosen, ()) if labels else ():
        if labels and (cell := labels.get((user, need))) is not None:
            canvas.name(user, need, chosen, cell)
    for one in stack.services:
        place, word = plan.places[one.id], show.service_word(one, stack, down, now)
        text = node(one.id, word.word, one.id == chosen, one.id in marked)
        tone: Tone = "accent" if one.id == chosen and word.word == "OK" else word.tone
        canvas.put(2 * place.line, place.column * (NODE + LANE) + LANE, text, tone)
    return canvas.paras()


def node(name: str, word: str, chosen: bool, marked: bool) -> str:
    """Return a node as text of at most ``NODE`` cells, each character one cell wide; its word is never cut."""
    before, after = (">[", "]<") if chosen else ("*[", "]*") if marked else ("[", "]")
    room = NODE - len(before) - len(after) - 1 - len(word)
    plain = "".join(char if width_of(char) == 1 else "?" for char in name)
    shown = plain if len(plain) <= room else fit(plain, room)
    return f"{before}{shown} {word}{after}"


def step(stack: Stack, chosen: str, way: str, width: int) -> str:
    """Return the service that h j k l leads to: j down to a need, k up to a user, h and l along the line."""
    plan = layout(stack, width)
    here = plan.places.get(chosen)
    if here is None:
        return plan.lines[0][0].id if plan.lines else ""
    if way in "hl":
        order = [one.id for line in plan.lines for one in line]
        return order[(order.index(chosen) + (1 if way == "l" else -1)) % len(order)]
    known = show.by_id(stack)
    if way == "j":
        ends = [name for name in known[chosen].depends_on if name in plan.places]
    else:
        ends = [one.id for one in stack.services if chosen in one.depends_on]
    found = [name for name in ends if name != chosen]
    return min(found, key=lambda name: _far(here, plan.places[name]), default=chosen)


def _far(one: Place, other: Place) -> tuple[int, int]:
    return (abs(one.line - other.line), abs(one.column - other.column))


def rows(stack: Stack, *, down: float | None, now: float, with_traffic: bool = False) -> tuple[Row, ...]:
    """Return the list twin: every service once, indented by its layer, with the same facts as the map."""
    depth = depths(stack)
    top = max(depth.values(), default=0)
    order = sorted(stack.services, key=lambda one: -depth[one.id])
    found = []
    for one in order:
        word = show.service_word(one, stack, down, now)
        name = "  " * (top - depth[one.id]) + one.id
        ends = " ".join(one.depends_on) or "-", " ".join(one.used_by) or "-"
        if with_traffic:
            ends = traffic.listed(stack, one.id, now, out=True), traffic.listed(stack, one.id, now, out=False)
        found.append(Row(one.id, (name, word.cell, *ends, word.why)))
    return tuple(found)


def cause_line(stack: Stack | None, *, down: float | None, now: float) -> tuple[Cell, ...]:
    """Return the root causes: ``ROOT CAUSE hybrid: why  1 fault, 3 symptoms (…)``."""
    causes = show.root_causes(stack, down, now)
    if not causes:
        words = [show.service_word(one, stack, down, now).word for one in stack.services] if stack else []
        if unknown := words.count("UNKNOWN"):
            return ((f"no root cause known: {unknown} of {many(len(words), 'service')} UNKNOWN", "dim"),)
        return (("no root cause: no service is BAD", "dim"),)
    cells: list[Cell] = [("ROOT CAUSE ", "bad")]
    for one, word in causes:
        number = len(one.symptoms)
        felt = f"  1 fault, {number} symptom{'' if number == 1 else 's'} ({' '.join(one.symptoms)})" if number else ""
        cells.append(f"{one.id}: {word.why}{felt}  ")
    return tuple(cells)
