"""Find places where text from outside could be read as markup: run by ``make check``, no finding is accepted.

Textual parses markup in most strings it is given: a container named ``[@click=app.quit]`` becomes a button. So a
string that is no literal must come as ``Content``/``Text``, or with ``markup=False``. A line that is safe for a
reason a machine cannot see ends in ``# untrusted: REASON``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PARSERS = {
    "Static": (0, "content"),
    "Label": (0, "content"),
    "Button": (0, "label"),
    "Checkbox": (0, "label"),
    "RadioButton": (0, "label"),
    "ToggleButton": (0, "label"),
    "Placeholder": (0, "label"),
    "Collapsible": (None, "title"),
    "Tab": (0, "label"),
    "TabPane": (0, "title"),
    "Option": (0, "prompt"),
    "Selection": (0, "prompt"),
    "Hit": (1, "match_display"),
    "DiscoveryHit": (0, "display"),
    "SystemCommand": (0, "title"),
    "Panel": (0, "renderable"),
    "Tree": (0, "label"),
}
"""Constructors that read markup, where the text stands and how it is called."""
METHODS = {
    "add_row",
    "add_column",
    "add_columns",
    "add_leaf",
    "add_option",
    "add_options",
    "set_options",
    "update_cell",
}
"""Methods whose every string is read as markup."""
TITLES = {"border_title", "border_subtitle", "tooltip"}
SAFE = {"Content", "Text", "content", "Segment", "Strip", "highlight", "assemble", "from_text", "joined"}
"""Calls that make a value which is not parsed again."""
TAG = re.compile(r"\[(?:/|@[a-z]|link=|b\]|i\]|u\]|bold|dim|italic|underline|reverse|red|green|yellow|blue|\$)")
EXCUSE = re.compile(r"#\s*untrusted:\s*\S")

Finding = tuple[int, str]


def findings(source: str) -> list[Finding]:
    """Return line and sentence of every place in a module where untrusted text could be parsed."""
    lines = source.splitlines()
    found = [finding for node in ast.walk(ast.parse(source)) for finding in _of(node)]
    return sorted({(line, said) for line, said in found if not EXCUSE.search(lines[line - 1])})


def _of(node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        yield from _of_assignment(node)
    elif isinstance(node, ast.JoinedStr):
        if any(isinstance(part, ast.Constant) and TAG.search(str(part.value)) for part in node.values):
            yield node.lineno, "a markup tag in an f-string: use Content.assemble"
    elif isinstance(node, ast.ClassDef):
        yield from _of_class(node)


def _of_call(node: ast.Call) -> Iterator[Finding]:
    name = _name(node.func)
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    markup = keywords.get("markup")
    if isinstance(markup, ast.Constant) and markup.value is True:
        yield node.lineno, "markup=True"
    if name == "from_markup" and node.args and not isinstance(node.args[0], ast.Constant):
        yield node.lineno, "from_markup of text that is no literal: pass values by $name"
    if isinstance(markup, ast.Constant) and markup.value is False:
        return
    if name in PARSERS and isinstance(node.func, ast.Name):
        place, keyword = PARSERS[name]
        text = keywords.get(keyword) or (node.args[place] if place is not None and len(node.args) > place else None)
        for value in filter(None, (text, keywords.get("help"), keywords.get("tooltip"))):
            if not _safe(value):
                yield value.lineno, f"{name} reads this text as markup: pass Content(...)"
    if name in METHODS and isinstance(node.func, ast.Attribute):
        for value in node.args:
            if not _safe(value) and not isinstance(value, ast.Starred):
                yield value.lineno, f"{name} reads this text as markup: pass Text(...)"


def _of_assignment(node: ast.Assign | ast.AnnAssign) -> Iterator[Finding]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        if isinstance(target, ast.Attribute) and target.attr in TITLES and node.value and not _safe(node.value):
            yield node.lineno, f"{target.attr} reads this text as markup: assign Content(...)"


def _of_class(node: ast.ClassDef) -> Iterator[Finding]:
    bases = {_name(base) for base in node.bases}
    for item in ast.walk(node):
        if isinstance(item, ast.FunctionDef) and item.name == "render" and _name(item.returns) == "str":
            yield item.lineno, "render() returns a str, which is read as markup: return Content"
        text = _updated(item) if bases & {"Static", "Label"} else None
        if text is not None and not _safe(text):
            yield text.lineno, "self.update reads this text as markup: pass Content(...)"


def _updated(node: ast.AST) -> ast.expr | None:
    """Return what ``self.update`` is given, if the node is such a call."""
    if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) == "self.update":
        return node.args[0]
    return None


def _safe(value: ast.expr) -> bool:
    """Whether a value is a literal without tags, or made by something that is not parsed again."""
    if isinstance(value, ast.Constant):
        return not (isinstance(value.value, str) and TAG.search(value.value))
    if isinstance(value, ast.Call):
        return _name(value.func) in SAFE or _name(value.func).endswith("_content")
    if isinstance(value, ast.IfExp):
        return _safe(value.body) and _safe(value.orelse)
    return False


def _name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def main(folders: list[str]) -> int:
    """Print every finding under the folders; return 1 when there is one."""
    count = 0
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.py")):
        for line, said in findings(path.read_text(encoding="utf-8")):
            print(f"{path}:{line}: {said}")
            count += 1
    print(f"{count} places where untrusted text could be read as markup")
    return 1 if count else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or ["console"]))
