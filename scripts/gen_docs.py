"""Write the pages of ``docs/`` that are made from the code; ``tests/test_docs.py`` keeps them fresh.

python scripts/gen_docs.py          write them
python scripts/gen_docs.py --check  say which ones are old
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from aistack_backend.wire.config import Config
from aistack_backend.wire.configfile import FREE
from aistack_backend.wire.hosts import DOC
from aistack_backend.wire.providerconfig import DOC as PROVIDER
from aistack_console.verbs.exits import MEANING
from aistack_console.verbs.table import OPTIONS, VERBS
from aistack_console.verbs.verb import Argument, Verb

ROOT = Path(__file__).resolve().parents[1]
MADE = "<!-- made by scripts/gen_docs.py (make docs); do not edit -->"


def table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def page(title: str, *parts: str) -> str:
    """Return a whole page."""
    return "\n\n".join([f"# {title}", MADE, *parts]) + "\n"


def cli() -> str:
    """The verbs, their arguments and the exit codes."""
    codes = table(("code", "meaning"), [(str(int(code)), text) for code, text in MEANING.items()])
    shared = table(("option", "meaning"), [argument_row(one) for one in OPTIONS])
    return page(
        "The command line",
        "`aistack-console` opens the screens; where there is no terminal to draw on, it prints the status. Each verb "
        "does one thing and ends. Human output is made harmless (no escape code of a name or a log line reaches the "
        "terminal); `--json` prints the wire types, one document, or one object a line for what streams.",
        "## Options of every verb",
        shared,
        "## Exit codes",
        "They are stable.",
        codes,
        *(verb_page(verb) for verb in VERBS),
    )


def verb_page(verb: Verb) -> str:
    """One verb's section."""
    parts = [f"## {verb.name}", verb.help[0].upper() + verb.help[1:] + "."]
    if verb.arguments or verb.json:
        rows = [argument_row(one) for one in verb.arguments]
        rows += [("`--json`", "print the wire types as JSON")] if verb.json else []
        parts.append(table(("argument", "meaning"), rows))
    if verb.example:
        parts.append(f"```sh\naistack-console {verb.example}\n```")
    return "\n\n".join(parts)


def argument_row(one: Argument) -> tuple[str, str]:
    """One argument's row."""
    choices = one.options.get("choices")
    value = one.options.get("metavar") or ("|".join(choices) if choices else "")
    name = ", ".join(one.names) if one.names[0].startswith("-") else one.names[0].upper()
    takes = f" {value}" if value and one.names[0].startswith("-") else ""
    said = f"{one.help} ({', '.join(choices)})" if choices and not takes else one.help
    return (f"`{name}{takes}`", said)


def config() -> str:
    """Every key of the config file."""
    sections = [section_page(part.name, part.default_factory) for part in fields(Config) if part.name not in FREE]
    return page(
        "Configuration",
        "One TOML file, `$XDG_CONFIG_HOME/aistack/config.toml` (or `$AISTACK_CONFIG`), read by console and backend. "
        "`aistack-console config explain` prints each value and where it came from. An unknown key, or a value that "
        "cannot be, is refused with file, line and what would be right. The environment wins over the file: each key "
        "has the variable `AISTACK_<SECTION>_<KEY>`, and those named below.",
        *sections,
        "## [hosts.NAME]",
        "Another machine whose Podman is read through an ssh tunnel; one section each, under a name of your own. No "
        "variables of the environment stand for these keys.",
        table(("key", "meaning"), [(f"`{key}`", said) for key, said in DOC.items()]),
        "## [providers.NAME]",
        "An endpoint elsewhere that speaks OpenAI's form; one section each, under a name of your own. No variables of "
        "the environment stand for these keys. `docs/providers.md` has an example.",
        table(("key", "meaning"), [(f"`{key}`", said) for key, said in PROVIDER.items()]),
        "## [keys]",
        'Maps an action\'s id to the keys that trigger it: `"services.stop" = "ctrl+t"`. `docs/keys.md` lists the '
        "ids. A key that two actions of one screen would share is refused.",
        "## [personas]",
        'Maps the name of a persona of your own to what the model is told: `poet = "Answer in verse."`. One with the '
        "name of ours takes its place.",
    )


def section_page(name: str, make: Any) -> str:
    """One section of the file."""
    rows = []
    for one in fields(make):
        about = one.metadata
        limits = ", ".join(about["choices"]) or " to ".join(
            f"{about[end]:g}" for end in ("least", "most") if about[end]
        )
        said = about["doc"] + (f" ({limits})" if limits else "")
        rows.append((f"`{one.name}`", f"`{toml(one.default)}`", said, f"`{about['env']}`" if about["env"] else ""))
    return f"## [{name}]\n\n{table(('key', 'default', 'meaning', 'variable'), rows)}"


def toml(value: object) -> str:
    """A default as it would be written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def keys() -> str:
    """Every action of every screen."""
    from aistack_console.keys import APP_ACTIONS, PLACES
    from aistack_console.screens.all import SCREENS
    from aistack_console.screens.base import screens_actions

    places = {"app": "Everywhere", **{place.name: place.title for place in PLACES}}
    by_scope: dict[str, list[tuple[str, ...]]] = {}
    for one in (*APP_ACTIONS, *screens_actions(SCREENS)):
        by_scope.setdefault(one.scope, []).append(
            (f"`{one.shown_key}`" if one.keys else "", one.title, f"`{one.id}`", "yes" if one.mutates else "")
        )
    titles = ("key", "what it does", "id", "changes something")
    parts = [f"## {places.get(scope, scope.capitalize())}\n\n{table(titles, rows)}" for scope, rows in by_scope.items()]
    return page(
        "Keys",
        "Every action has an id; `[keys]` of the config file gives it other keys. The palette (`^p`), the `:` "
        "commands, the hint line and the help (`?`) are made from the same list. While text is typed, letters type.",
        *parts,
    )


def api() -> str:
    """The routes, from the OpenAPI document."""
    document = openapi()
    rows = list(routes(document))
    return page(
        "The API",
        "HTTP on the operator's Unix socket, `<data>/run/backend.sock`; JSON in and out; errors are "
        "`application/problem+json` (RFC 9457). The peer is known from the kernel. `GET /v1/openapi.json` is the whole "
        "document; the types are those of `backend/aistack_backend/wire/`.",
        table(("route", "what it does"), rows),
    )


def openapi() -> dict[str, Any]:
    """The OpenAPI document of the backend, whose parts need not run for it."""
    from fastapi import FastAPI

    from aistack_backend.api.service import assemble

    @asynccontextmanager
    async def unlived(_: FastAPI) -> AsyncIterator[None]:
        yield

    return assemble(unlived).openapi()


def routes(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row a route."""
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            said = (route.get("description") or route.get("summary") or "").splitlines()
            yield (f"`{method.upper()} {path}`", said[0] if said else "")


PAGES: dict[str, Callable[[], str]] = {"cli": cli, "config": config, "keys": keys, "api": api}


def main(check: bool) -> int:
    """Write or check every page; return how many are old."""
    old = 0
    for name, make in PAGES.items():
        file = ROOT / "docs" / f"{name}.md"
        text = make()
        if file.exists() and file.read_text() == text:
            continue
        old += 1
        print(f"docs/{name}.md {'is old: make docs' if check else 'written'}")
        if not check:
            file.write_text(text)
    return old if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
