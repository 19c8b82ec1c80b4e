"""Themes load from TOML; a bad file is told in one report and never stops the console."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color

from aistack_console.themes import DEFAULT, ThemeFault, builtin_folder, load_looks, read_theme


def test_the_built_in_themes_all_load() -> None:
    looks = load_looks([builtin_folder()])
    assert looks.faults == ()
    assert set(looks.themes) == {"dusk", "paper", "contrast", "mono"}
    assert looks.themes["mono"].colourless
    assert not looks.themes["paper"].theme.dark
    assert all(stand_in.isascii() for stand_in in looks.ascii_glyphs.values())


@pytest.mark.parametrize("name", ["dusk", "paper", "contrast", "mono"])
def test_text_can_be_read_on_its_ground(name: str) -> None:
    theme = load_looks([builtin_folder()]).themes[name].theme
    ground = Color.parse(theme.background or "#000000")
    muted = theme.variables["text-muted"]
    for said in (theme.foreground, theme.success, theme.warning, theme.error, theme.accent, muted):
        lighter, darker = sorted((_luminance(Color.parse(said or "#000000")), _luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"{name}: {said} on {theme.background}"


def _luminance(color: Color) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in color.normalized
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def test_an_own_theme_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "dusk"\n[colours]\nprimary = "#ff0000"\n', encoding="utf-8")
    looks = load_looks([builtin_folder(), tmp_path])
    assert looks.themes["dusk"].theme.primary == "#ff0000"


def test_one_report_tells_every_bad_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("name = ", encoding="utf-8")
    (tmp_path / "b.toml").write_text('name = "b"\n[colours]\nprimary = "no colour"\n', encoding="utf-8")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    looks = load_looks([builtin_folder(), tmp_path])
    assert len(looks.faults) == 3
    report = looks.report()
    assert "3 theme file(s)" in report
    assert "a.toml" in report
    assert "'#rrggbb' would be right" in report
    assert set(looks.themes) == {"dusk", "paper", "contrast", "mono"}


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert load_looks([tmp_path / "none"]).report() == ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"name": "x", "colors": {}}, "'colors' is not known"),
        ({"name": 3}, "'name' must be a text"),
        ({"name": "x", "dark": "yes", "colours": {"primary": "red"}}, "'dark' must be true or false"),
        ({"name": "x", "colours": {"primery": "red"}}, "colour 'primery' is not known"),
        ({"name": "x", "colours": {}}, "at least 'primary'"),
        ({"name": "x", "colours": {"primary": 7}}, "cannot be read"),
        ({"name": "x", "colours": []}, "must be a table"),
    ],
)
def test_a_bad_theme_is_told_by_key(data: dict[str, object], said: str) -> None:
    with pytest.raises(ThemeFault, match=said):
        read_theme(data)


def test_a_bad_stand_in_is_told(tmp_path: Path) -> None:
    (tmp_path / "g.toml").write_text('kind = "glyphs"\n[glyphs]\n"…" = "..."\n', encoding="utf-8")
    assert "one ASCII character" in load_looks([tmp_path]).report()


def test_an_unknown_theme_falls_back_and_says_so(tmp_path: Path) -> None:
    look, said = load_looks([builtin_folder()]).choose("nope")
    assert look is not None
    assert look.theme.name == DEFAULT
    assert "no theme 'nope'" in said
    nothing, said = load_looks([tmp_path]).choose("dusk")
    assert nothing is None
    assert "textual-dark" in said


async def test_every_theme_can_be_worn() -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        for look in load_looks([builtin_folder()]).themes.values():
            app.register_theme(look.theme)
            app.theme = look.theme.name
            await pilot.pause()
            assert app.current_theme.name == look.theme.name
