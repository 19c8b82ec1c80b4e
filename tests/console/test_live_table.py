"""LiveTable repaints what changed, keeps its cursor on its row, and keeps its columns straight."""

from __future__ import annotations

from typing import Any

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from aistack_console.cells import fit
from aistack_console.text import plain
from aistack_console.widgets.live_table import Column, LiveTable, Row

COLUMNS = (
    Column("NAME", 12),
    Column("STATE", 8),
    Column("CPU%", 6, "right"),
    Column("WHY", 0),
    Column("IMAGE", 20, min_screen_width=100),
)


def row(key: str, state: str = "OK", cpu: str = "1.0") -> Row:
    return Row(key, (key, (state, "ok"), cpu, "fine", "image:1"))


class Painted(LiveTable):
    """Counts the lines that were painted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.painted: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.painted.append(y)
        return super().render_line(y)


class TableApp(App[None]):
    def __init__(self, rows: list[Row]) -> None:
        super().__init__()
        self.first = rows
        self.heard: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield Painted(COLUMNS, markable=True, id="t")

    def on_mount(self) -> None:
        self.table.set_rows(self.first)
        self.table.focus()

    @property
    def table(self) -> Painted:
        return self.query_one(Painted)

    @on(LiveTable.RowSelected, "#t")
    def chosen(self, event: LiveTable.RowSelected) -> None:
        self.heard.append(("selected", event.key))

    @on(LiveTable.RowHighlighted)
    def lit(self, event: LiveTable.RowHighlighted) -> None:
        self.heard.append(("highlighted", event.key))

    @on(LiveTable.RowMarked)
    def marked(self, event: LiveTable.RowMarked) -> None:
        self.heard.append(("marked", event.key))


def screen_lines(app: App[None]) -> list[str]:
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strips[y])[:width] for y in range(height)]


async def shown(pilot: Pilot[None]) -> list[str]:
    await pilot.pause()
    return screen_lines(pilot.app)


async def test_only_the_changed_row_is_painted_again() -> None:
    app = TableApp([row(f"c{i}") for i in range(15)])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.table.painted.clear()
        app.table.set_rows([row(f"c{i}", cpu="9.9" if i == 4 else "1.0") for i in range(15)])
        await pilot.pause()
        assert set(app.table.painted) == {1, 5}
        app.table.painted.clear()
        app.table.set_rows([row(f"c{i}", cpu="9.9" if i == 4 else "1.0") for i in range(15)])
        await pilot.pause()
        assert app.table.painted == []


async def test_the_cursor_stays_on_its_key() -> None:
    app = TableApp([row("b"), row("d"), row("f")])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("j")
        assert app.table.cursor_key == "d"
        app.table.set_rows([row("a"), row("b"), row("c"), row("d")])
        assert app.table.cursor_key == "d"
        app.table.set_rows([row("a"), row("b"), row("c")])
        assert app.table.cursor_key == "c"
        app.table.set_rows([])
        assert app.table.cursor_key is None
        app.table.set_rows([row("z")])
        await pilot.pause()
        assert app.table.cursor_key == "z"
        assert app.heard[-1] == ("highlighted", "z")


async def test_keys_move_over_a_long_list_and_the_cursor_is_always_visible() -> None:
    app = TableApp([row(f"c{i:03}") for i in range(200)])
    async with app.run_test(size=(80, 24)) as pilot:
        for key, wanted in [
            ("G", "c199"),
            ("k", "c198"),
            ("g", "c000"),
            ("ctrl+d", "c011"),
            ("ctrl+u", "c000"),
            ("pagedown", "c023"),
            ("pageup", "c000"),
            ("down", "c001"),
        ]:
            await pilot.press(key)
            assert app.table.cursor_key == wanted
            assert [line for line in await shown(pilot) if line.startswith(f">{wanted}")]


async def test_enter_space_and_clicks_speak() -> None:
    app = TableApp([row("a"), row("b"), row("c")])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("space", "enter")
        await pilot.click("#t", offset=(3, 3))
        await pilot.click("#t", offset=(3, 3))
        await pilot.click("#t", offset=(3, 9))
        await pilot.pause()
        assert app.table.marked == {"a"}
        assert [what for what in app.heard if what[0] != "highlighted"] == [
            ("marked", "a"),
            ("selected", "b"),
            ("selected", "c"),
        ]
        assert (await shown(pilot))[1].startswith("*a")
        app.table.set_rows([row("b")])
        assert app.table.marked == frozenset()


@pytest.mark.parametrize(("width", "there"), [(80, False), (160, True)])
async def test_a_wide_column_shows_only_on_a_wide_screen(width: int, there: bool) -> None:
    app = TableApp([row("a")])
    async with app.run_test(size=(width, 24)) as pilot:
        assert ("image:1" in (await shown(pilot))[1]) is there


async def test_a_group_row_spans_the_width() -> None:
    app = TableApp([Row("g", ("orchestration of everything 2/3",), group=True), row("a")])
    async with app.run_test(size=(80, 24)) as pilot:
        assert "orchestration of everything 2/3" in (await shown(pilot))[1]


async def test_move_to_finds_a_key() -> None:
    app = TableApp([row("a"), row("b")])
    async with app.run_test(size=(80, 24)):
        assert app.table.move_to("b")
        assert app.table.cursor_key == "b"
        assert not app.table.move_to("nobody")


WILD = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("漢ｶ👩‍🇩️️é́ก็\n\t")), max_size=40)


@given(WILD, st.integers(0, 30), st.sampled_from(["left", "right"]))
def test_a_cell_is_always_as_wide_as_its_column(text: str, width: int, align: Any) -> None:
    cell = fit(plain(text), width, align)
    assert wcwidth.wcswidth(cell) == width


@pytest.mark.parametrize(
    ("text", "width", "cell"),
    [
        ("web", 5, "web  "),
        ("hybrid-coordinator", 8, "hybrid-…"),
        ("漢字漢字", 5, "漢字…"),
        ("漢字", 4, "漢字"),
        ("a\nb", 4, "a␊b "),
    ],
)
def test_a_cell_that_is_too_long_ends_in_an_ellipsis(text: str, width: int, cell: str) -> None:
    assert fit(text, width) == cell
