"""A spark shows what was measured and a gap where nothing was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from aistack_console.themes import builtin_folder, load_looks
from aistack_console.widgets.spark import BLOCKS, GAP, Spark, spark


@pytest.mark.parametrize(
    ("values", "width", "top", "line"),
    [
        ([0, 50, 100], 3, 100.0, "▁▅█"),
        ([0, 50, 100], 5, 100.0, "  ▁▅█"),
        ([1, 2, 3, 4], 2, None, "▇█"),
        ([0, None, 0], 3, None, f"▁{GAP}▁"),
        ([float("nan")], 1, None, GAP),
        ([150.0], 1, 100.0, "█"),
        ([-5.0], 1, 100.0, "▁"),
        ([], 3, None, "   "),
        ([1.0], 0, None, ""),
    ],
)
def test_what_is_drawn(values: list[float | None], width: int, top: float | None, line: str) -> None:
    assert spark(values, width, top) == line


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=50), st.integers(-3, 60))
def test_it_is_always_as_wide_as_asked(values: list[float | None], width: int) -> None:
    assert len(spark(values, width)) == max(width, 0)


def test_each_block_has_its_own_stand_in() -> None:
    glyphs = load_looks([builtin_folder()]).ascii_glyphs
    assert len({glyphs[block] for block in BLOCKS}) == len(BLOCKS)


async def test_the_widget_shows_label_line_and_value() -> None:
    class SparkApp(App[None]):
        def compose(self) -> ComposeResult:
            yield Spark("cpu")

    app = SparkApp()
    async with app.run_test(size=(60, 3)) as pilot:
        app.query_one(Spark).show([0.0, 100.0], "34%", 100.0)
        await pilot.pause()
        line = "".join(segment.text for segment in app.screen._compositor.render_strips()[0])
        assert line.startswith("cpu ")
        assert "▁█ 34%" in line
