"""The command ``aistack-console``: without a verb it opens the screens, with one it works without a terminal."""

from __future__ import annotations

import argparse
import gc
import importlib
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aistack_backend.wire import rendezvous
from aistack_console.errors import BackendDown, ClientError, ConsoleError, OtherVersion
from aistack_console.options import Options
from aistack_console.verbs import table
from aistack_console.verbs.exits import MEANING, Exit
from aistack_console.verbs.table import OPTIONS, VERBS
from aistack_console.verbs.verb import Argument, Verb

EPILOG = "exit codes:\n" + "\n".join(f"  {code:>3}  {text}" for code, text in MEANING.items())


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add(shared, OPTIONS)
    top = argparse.ArgumentParser(
        prog="aistack-console",
        description="The control room of a local AI stack. Without a verb it opens the screens.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for one in VERBS:
        _add_verb(verbs, one, shared)
    return top


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that takes 10 ms."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"aistack-console {version('aistack-console')}")
        parser.exit()


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], verb: Verb, shared: argparse.ArgumentParser
) -> None:
    epilog = EPILOG if not verb.example else f"example:\n  aistack-console {verb.example}\n\n{EPILOG}"
    one = verbs.add_parser(
        verb.name,
        help=verb.help,
        description=verb.help,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    _add(one, verb.arguments)
    if verb.json:
        one.add_argument("--json", action="store_true", help="print the wire types as JSON")


def _add(parser: argparse.ArgumentParser, arguments: Sequence[Argument]) -> None:
    for argument in arguments:
        parser.add_argument(*argument.names, help=argument.help, **argument.options)


def options(chosen: argparse.Namespace) -> Options:
    """Return the choices that do not belong to one verb; what was not said comes from the environment."""
    data = getattr(chosen, "data_dir", None)
    config = getattr(chosen, "config", None)
    return Options(
        data_dir=(Path(data).expanduser() if data else rendezvous.data_dir(os.environ)).absolute(),
        config_file=(Path(config).expanduser() if config else rendezvous.config_file(os.environ)).absolute(),
        view_only=getattr(chosen, "view_only", False),
        theme=getattr(chosen, "theme", ""),
        start_backend=not getattr(chosen, "no_start", False),
        stack_file=_paths(getattr(chosen, "stack", "")),
    )


def _paths(joined: str) -> str:
    """Return each path of a list with ``:`` between them as an absolute one: the backend has a folder of its own."""
    return ":".join(str(Path(one).expanduser().absolute()) for one in joined.split(":") if one)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code. Every expected failure is one sentence on stderr."""
    began = time.perf_counter()
    words = sys.argv[1:] if words is None else words
    chosen = parser().parse_args(words) if words else argparse.Namespace(verb=None)  # 13 ms before the first frame
    try:
        return _run(chosen, began)
    except ConsoleError as error:
        print(f"aistack-console: {error.sentence}", file=sys.stderr)
        return _code(error)
    except ValueError as error:
        print(f"aistack-console: {error}", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of our pipe has gone: that is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _in_browser() -> bool:
    """Tell whether our dashboard runs this console: its screen is a pipe to a browser, not a terminal."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def _run(chosen: argparse.Namespace, began: float) -> int:
    if chosen.verb is None and (_in_browser() or (sys.stdin.isatty() and sys.stdout.isatty())):
        gc.disable()  # until the first frame; ``Linked`` turns it on again
        from aistack_console import app

        app.run(options(chosen))
        return Exit.OK
    from aistack_console.client.act import acting
    from aistack_console.verbs.context import Context

    name = chosen.verb or "status"  # where there is no terminal to draw on, the facts in lines
    module = importlib.import_module(f"aistack_console.verbs.{table.verb(name).module}")
    context = Context(options=options(chosen), arguments=chosen)
    try:
        with acting(name, ago=time.perf_counter() - began, fresh=math.inf):
            code: int = module.run(context)
        sys.stdout.flush()
    finally:
        context.tell()
    return code


def _code(error: ConsoleError) -> Exit:
    if isinstance(error, BackendDown):
        return Exit.NO_BACKEND
    if isinstance(error, OtherVersion):
        return Exit.FAILED
    if isinstance(error, ClientError):
        return Exit.NOT_ALLOWED if error.status == 403 else Exit.USAGE if error.status == 422 else Exit.FAILED
    return getattr(error, "code", Exit.USAGE)
