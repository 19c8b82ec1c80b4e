"""The lint finds every way to hand untrusted text to something that reads markup, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "lint_untrusted.py"


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint_untrusted", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lint_untrusted"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "line",
    [
        "Static(name)",
        "Static(f'{name} runs')",
        "Label(one.name)",
        "Button(label=name)",
        "Checkbox('a' + name)",
        "Collapsible(title=name)",
        "Tab(name)",
        "Option(name)",
        "Hit(1, name, run)",
        "DiscoveryHit('ok', run, help=name)",
        "Panel(name)",
        "Tree(name)",
        "table.add_row('ok', name)",
        "table.add_column(name)",
        "node.add_leaf(name)",
        "widget.border_title = name",
        "widget.tooltip = f'about {name}'",
        "Content.from_markup(f'[b]{name}[/b]')",
        "Content.from_markup(name)",
        "RichLog(markup=True)",
        "app.notify(name, markup=True)",
        "x = f'[bold]{name}[/bold]'",
        "Static('[@click=app.quit]x[/]')",
        "class A(Widget):\n    def render(self) -> str: return ''",
        "class A(Static):\n    def say(self, x): self.update(x)",
    ],
)
def test_a_dangerous_line_is_found(lint: ModuleType, line: str) -> None:
    assert len(lint.findings(line)) >= 1


@pytest.mark.parametrize(
    "line",
    [
        "Static('fixed words')",
        "Static(Content(name))",
        "Static(name, markup=False)",
        "Static()",
        "Button(Content(name))",
        "Option(Text(name))",
        "table.add_row(Text(name))",
        "widget.border_title = Content(name)",
        "widget.border_title = 'fixed'",
        "Content.from_markup('[b]$name[/b]', name=name)",
        "app.notify(name)",
        "x = f'[{count}] of [keys] {name}'",
        "Static(name)  # untrusted: the name is one of ours",
        "class A(Widget):\n    def render(self) -> Content: return Content(x)",
        "class A(Static):\n    def say(self, x): self.update(Content(x))",
        "table.update_rows(name)",
    ],
)
def test_a_safe_line_is_left_alone(lint: ModuleType, line: str) -> None:
    assert lint.findings(line) == []


def test_it_names_the_place_and_fails(lint: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("x = 1\nStatic(name)\n", encoding="utf-8")
    assert lint.main([str(tmp_path)]) == 1
    assert "a.py:2: Static reads this text as markup" in capsys.readouterr().out
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    assert lint.main([str(tmp_path)]) == 0


def test_our_own_widgets_and_screens_have_no_finding(lint: ModuleType) -> None:
    folder = SCRIPT.parents[1] / "console" / "aistack_console" / "widgets"
    assert lint.main([str(folder)]) == 0
