"""``${NAME}`` in Compose files: defaults, alternatives, required variables, ``$$``; and env files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

TOKEN = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])(?P<rest>(?:[^{}]|\{[^{}]*\})*))?\}"
    r"|(?P<bad>.?))"
)
LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)")


def interpolate(text: str, env: Mapping[str, str], fail: Callable[[str], Exception]) -> str:
    """Replace every variable of ``text``; ``fail`` makes the error of a sentence.

    Raises:
        Exception: what ``fail`` made: an unset variable without a default, a required one, or a stray ``$``.
    """

    def one(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name = match["bare"] or match["name"]
        if not name:
            raise fail("has a $ that begins no variable; write $$ for a plain $.")
        return _value(name, match["how"] or "", match["rest"] or "", env, fail)

    return TOKEN.sub(one, text)


def _value(name: str, how: str, rest: str, env: Mapping[str, str], fail: Callable[[str], Exception]) -> str:
    value = env.get(name)
    usable = value is not None and (bool(value) or not how.startswith(":"))
    if how.endswith("+"):
        return interpolate(rest, env, fail) if usable else ""
    if usable and value is not None:
        return value
    if how.endswith("-"):
        return interpolate(rest, env, fail)
    if how.endswith("?"):
        raise fail(f"needs the variable {name}: {rest or 'it is not set'}.")
    raise fail(f"uses the variable {name}, which is not set; set it, or give a default: ${{{name}:-…}}.")


def read_env_file(path: Path, env: Mapping[str, str], fail: Callable[[str], Exception]) -> dict[str, str]:
    """Return the variables of an env file: ``NAME=value`` lines, ``#`` comments, quotes taken off; variables in
    values are replaced by those of ``env`` and of the lines above, but not in single quotes.

    Raises:
        Exception: what ``fail`` made: the file cannot be read, or a line is not of that form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise fail(f"names the env file {path}, which cannot be read: {said}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise fail(f"names the env file {path}, whose line {number} is not NAME=value.")

        def fault(sentence: str, number: int = number) -> Exception:
            return fail(f"names the env file {path}, whose line {number} {sentence}")

        found[match[1]] = _line_value(match[2].strip(), {**found, **env}, fault)
    return found


def _line_value(value: str, env: Mapping[str, str], fail: Callable[[str], Exception]) -> str:
    quote = value[:1] if value[:1] in ("'", '"') else ""
    if quote:
        end = value.find(quote, 1)
        if end < 0 or (value[end + 1 :].strip() and not value[end + 1 :].lstrip().startswith("#")):
            raise fail(f"has a quote {quote} that does not end where the value does.")
        value = value[1:end]
    else:
        value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    return value if quote == "'" else interpolate(value, env, fail)
