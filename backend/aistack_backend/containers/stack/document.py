"""A YAML file as plain values, and the line of each key: no tag, no duplicate key, no date or base-60 number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any

import yaml

from aistack_backend.containers.stack.interpolate import interpolate
from aistack_backend.containers.stack.place import ManifestError, Path, Place

TOO_LARGE = 1 << 20
NULLS, TRUE, FALSE = {"", "~", "null", "Null", "NULL"}, {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
YAML = "tag:yaml.org,2002:"
MERGE = f"{YAML}merge"
TAGS = {YAML + name for name in ("null", "bool", "int", "float", "timestamp", "value", "str", "seq", "map", "merge")}
DEPTH, VALUES = 40, 100_000
"""No Compose file nests deeper or holds more; one that repeats itself by aliases may seem to."""


def read(file: File, env: Mapping[str, str]) -> Place:
    """Return the file's root with variables replaced.

    Raises:
        ManifestError: it cannot be read, is no YAML mapping, repeats a key, or uses an unset variable.
    """
    try:
        if file.stat().st_size > TOO_LARGE:
            raise ManifestError(f"{file} is over {TOO_LARGE >> 20} MiB: that is no Compose file.")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ManifestError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return parse(text, str(file), env, "a Compose file is a mapping with the key services.")


def parse(text: str, file: str, env: Mapping[str, str] | None, right: str) -> Place:
    """Return the root of a text that came from ``file``; without ``env`` a ``$`` is a letter like others.

    Raises:
        ManifestError: it is no YAML mapping (``right`` says what it should be), repeats a key, or uses an unset
            variable.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ManifestError(f"{file}{line}: not YAML: {getattr(error, 'problem', None) or error}.") from error
    if not isinstance(node, yaml.MappingNode):
        raise ManifestError(f"{file}: {right}")
    reader = _Reader(file, env)
    return Place(reader.value(node, (), 0), (), reader.where)


class _Reader:
    def __init__(self, file: str, env: Mapping[str, str] | None) -> None:
        self._file = file
        self._env = env
        self._count = 0
        self.where: dict[Path, str] = {}

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        """Return a node as plain data and note the line of each path; ManifestError for what is not supported."""
        self.where[path] = f"{self._file}:{node.start_mark.line + 1}"
        self._count += 1
        if depth > DEPTH or self._count > VALUES:
            raise self._fault(path, "is nested too deeply." if depth > DEPTH else "is one value too many.")
        if node.tag not in TAGS:
            raise self._fault(path, f"has the tag {node.tag}, which is not supported here.")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, str(index)), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                self._merge(value_node, path, depth, merged)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._fault(path, "has a key that is no text.")
            key = str(key_node.value)
            if key in found:
                raise self._fault((*path, key), f"stands twice, in line {key_node.start_mark.line + 1} again.")
            found[key] = self.value(value_node, (*path, key), depth + 1)
            self.where[(*path, key)] = f"{self._file}:{key_node.start_mark.line + 1}"
        return {**{key: value for key, value in merged.items() if key not in found}, **found}

    def _merge(self, node: yaml.Node, path: Path, depth: int, into: dict[str, Any]) -> None:
        for one in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(one, yaml.MappingNode):
                raise self._fault(path, "merges (<<) something that is no mapping.")
            for key, value in self._mapping(one, path, depth + 1).items():
                into.setdefault(key, value)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        raw = str(node.value)
        if self._env is not None and "$" in raw:  # what a variable holds is text, as in Compose
            return interpolate(raw, self._env, lambda sentence: self._fault(path, sentence))
        return raw if getattr(node, "style", None) is not None else typed(raw)

    def _fault(self, path: Path, sentence: str) -> ManifestError:
        return Place(None, path, self.where).fault(sentence)


def typed(text: str) -> Any:
    """Return what a plain scalar means: null, true, false, a number that is written as it prints, else text.

    ``yes``, ``1.10``, ``0444`` and ``22:22`` stay what a person wrote.
    """
    if text in NULLS or text in TRUE or text in FALSE:
        return None if text in NULLS else text in TRUE
    if re.fullmatch(r"-?(0|[1-9]\d{0,18})", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text) and str(float(text)) == text:
        return float(text)
    return text
