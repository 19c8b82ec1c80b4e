"""A second reader of shell scripts: the words of each command by bash's own grammar (tree-sitter-bash, ADR 0022).

It knows nothing of our reader: where the two differ, one of them is wrong about what a shell would run.
"""

from __future__ import annotations

import tree_sitter
import tree_sitter_bash
from tree_sitter import Node

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
CONTAINERS = frozenset({"program", "list", "pipeline", "redirected_statement"})
OPERATORS = frozenset({"&&", "||", "|", ";", "\n"})
BARE = frozenset({"word", "number", "test_operator", "=", "==", "!=", "!"})
DROPS = frozenset({">/dev/null", "1>/dev/null", "2>/dev/null", "2>&1"})


class Other(Exception):
    """The script holds more than plain commands; its text says what."""


def read(script: str) -> list[list[str]]:
    """Return the words of each command, in order.

    Raises:
        Other: the grammar does not take it, or it is more than simple commands joined by operators.
    """
    root = PARSER.parse(script.encode()).root_node
    if root.has_error:
        raise Other("the grammar does not take it")
    found: list[list[str]] = []
    _walk(root, found)
    return found


def _walk(node: Node, found: list[list[str]]) -> None:
    if node.type in CONTAINERS:
        for child in node.children:
            _walk(child, found)
    elif node.type in ("command", "test_command"):
        found.append([word for child in node.children for word in _words(child)])
    elif node.type not in OPERATORS:
        _dropped(node)


def _words(node: Node) -> list[str]:
    if node.type in ("command_name", "unary_expression", "binary_expression"):
        return [word for child in node.children for word in _words(child)]
    if node.type == "file_redirect":
        _dropped(node)
        return []
    return [node.type] if node.type in ("[", "]") else [_text(node)]


def _text(node: Node) -> str:
    text = (node.text or b"").decode()
    if node.type in BARE and "\\" not in text:
        return text
    if node.type == "raw_string":
        return text[1:-1]
    if node.type == "string" and all(child.type in ('"', "string_content") for child in node.children):
        return text[1:-1]
    if node.type == "concatenation":
        return "".join(map(_text, node.children))
    raise Other(f"a {node.type}")


def _dropped(node: Node) -> None:
    if node.type != "file_redirect" or (node.text or b"").decode().replace(" ", "") not in DROPS:
        raise Other(f"a {node.type}")
