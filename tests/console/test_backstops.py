"""What data puts on the screen can neither steer the terminal nor start an action, in any widget of Textual."""

from __future__ import annotations

import io
from typing import ClassVar

import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.color import Color
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, DataTable, Input, Markdown, Static, TextArea

from aistack_console.backstops import AsciiOnly, Backstops, Colourless, SafeLines, redact

BLACK = Color(0, 0, 0)
ATTACK = "x\x1b]52;c;QUJD\x07\x1b[2J\x9b2J\x9d52;c;A\x9c\x00\x0e\x7f\u202e\u2066\u200b\ufeff\x1bc"
CLICK = "[@click=app.harm]CLICK ME[/] [@click=screen.dismiss]X[/]"


def control_bytes(text: str) -> list[str]:
    """Return what a terminal would obey or a reader would not see."""
    return [char for char in text if not char.isprintable()]


def painted(app: App[int]) -> list[Segment]:
    strips = app.screen._compositor.render_strips()
    return [segment for line in strips for segment in line]


class Careless(Backstops):
    """Every way to draw text, done wrongly on purpose."""

    CSS = "Static, Markdown, TextArea, DataTable { height: 3; }"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, payload: str) -> None:
        super().__init__()
        self.payload = payload
        self.harmed = 0

    def action_harm(self) -> None:
        self.harmed += 1

    def compose(self) -> ComposeResult:
        yield Static(self.payload, id="markup")
        yield Static(Content(self.payload))
        yield Button(self.payload)
        yield TextArea(self.payload)
        yield Input(self.payload)
        yield Markdown(self.payload, open_links=False)
        yield DataTable[str]()

    def on_mount(self) -> None:
        table = self.query_one(DataTable[str])
        table.add_column(self.payload)
        table.add_row(self.payload)
        table.border_title = self.payload


async def test_no_control_byte_leaves_even_a_careless_widget() -> None:
    app = Careless(ATTACK)
    async with app.run_test(size=(80, 30)) as pilot:
        app.notify(ATTACK, title=ATTACK)
        await pilot.pause()
        assert not control_bytes("".join(segment.text for segment in painted(app)))
        assert not [segment for segment in painted(app) if segment.style and segment.style.link]


async def test_clicking_every_cell_starts_no_action() -> None:
    app = Careless(CLICK)
    async with app.run_test(size=(60, 24)) as pilot:
        app.notify(CLICK)
        await pilot.pause()
        for widget in app.query("*"):
            for x in range(0, min(widget.size.width, 24), 4):
                for y in range(widget.size.height):
                    await pilot.click(widget, offset=(x, y))
        assert app.harmed == 0
        assert app.is_running


async def test_a_scrollbar_still_obeys_the_mouse_and_text_cannot_pose_as_one() -> None:
    class Long(Backstops):
        def compose(self) -> ComposeResult:
            with VerticalScroll():
                yield Static("[@click=scroll_down]POSE[/]\n" * 100)

    app = Long()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.click("Static", offset=(1, 1))
        assert app.query_one(VerticalScroll).scroll_offset.y == 0
        bar = app.query_one(VerticalScroll).vertical_scrollbar
        await pilot.click(bar, offset=(0, 9))
        await pilot.pause()
        assert app.query_one(VerticalScroll).scroll_target_y > 0


async def test_a_toast_never_parses_markup() -> None:
    app = Careless("")
    async with app.run_test(notifications=True, size=(60, 40)) as pilot:
        app.notify("[b]web[/b][/no]", markup=True)
        await pilot.pause()
        assert "[b]web[/b][/no]" in "".join(segment.text for segment in painted(app))


class Breaks(Backstops):
    """Dies with a secret in a local variable and escape codes in the message."""

    def on_mount(self) -> None:
        hidden = "local-secret-value"
        raise RuntimeError(f"bad name \x1b]52;c;QUJD\x07 password={hidden[:5]}-1234")


async def test_a_crash_prints_no_local_variable_no_secret_and_no_control_byte() -> None:
    app = Breaks()
    with pytest.raises(RuntimeError, match="bad name"):
        async with app.run_test():
            pass
    out = io.StringIO()
    for one in app._exit_renderables:
        Console(file=out, width=200).print(one)
    told = out.getvalue()
    assert not out.closed
    assert not control_bytes(told.replace("\n", ""))
    assert "local-secret-value" not in told
    assert "local-1234" not in told


async def test_the_leaving_message_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    app = Careless("")
    async with app.run_test():
        app.exit(message="[@click=app.harm]bye\x1b[2J[/]")
    assert capsys.readouterr().err == "[@click=app.harm]bye␛[2J[/]\n"


@pytest.mark.parametrize(
    "said",
    ["password=hunter2", "TOKEN: hunter2", "api_key = hunter2", "Authorization: hunter2", "{'secret': hunter2}"],
)
def test_secrets_are_blotted_out(said: str) -> None:
    assert "hunter2" not in redact(said)


def test_safe_lines_keep_the_width() -> None:
    style = Style(link="http://x/", bold=True)
    [out] = SafeLines().apply([Segment("a\x1bb漢\u202e", style)], BLACK)
    assert out.text == "ab漢"
    assert out.style is not None
    assert out.style.link is None
    assert out.style.bold


def test_without_colour_there_is_no_colour_and_the_cursor_is_reversed() -> None:
    filtered = Colourless().apply(
        [Segment("a", Style(color="red", bgcolor="#000000")), Segment("b", Style(color="#000000", bgcolor="#ffffff"))],
        BLACK,
    )
    styles = [segment.style for segment in filtered]
    assert [style and (style.color, style.bgcolor) for style in styles] == [(None, None)] * 2
    assert [bool(style and style.reverse) for style in styles] == [False, True]


def test_ascii_stands_in_for_glyphs_cell_by_cell() -> None:
    [out] = AsciiOnly({"│": "|", "…": "~"}).apply([Segment("│é漢…x", None)], BLACK)
    assert out.text == "|???~x"


async def test_the_colourless_look_can_be_chosen_while_running() -> None:
    app = Careless("hello")
    async with app.run_test(size=(60, 24)) as pilot:
        app.set_look(colourless=True, ascii_glyphs={})
        await pilot.pause()
        for segment in painted(app):
            assert segment.style is None or (segment.style.color, segment.style.bgcolor) == (None, None)
            assert segment.text.isascii()
