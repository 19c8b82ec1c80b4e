"""``aistack-backend``: serve, work, stop, mcp, status, doctor, restore, eject, operator, audit verify, config explain.

Heavy imports come with the verb.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aistack_backend import __version__
from aistack_backend.errors import BackendError, Conflict
from aistack_backend.settings import Settings, resolve
from aistack_backend.wire.config import ConfigError

if TYPE_CHECKING:
    from aistack_backend.api.daemon.detach import Herald

CODES = """exit codes:
  0  it worked; serve: a clean end
  1  it failed; audit verify: the log does not hold; doctor: something is wrong
  2  wrong usage or a setting that cannot be used; audit verify: the log cannot be read
  3  another backend has this data folder
  4  no backend answers on this data folder
  5  work: the database may have given this worker's name away, so it ended at once"""
FAILED, USAGE, TAKEN, NOBODY = 1, 2, 3, 4


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="aistack-backend",
        description="The backend of aistack-console: one for each data folder, reached over its Unix socket.",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", type=Path, help="folder of database, socket and logs")
    common.add_argument("--config", type=Path, help="the configuration file")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    serve = verbs.add_parser("serve", parents=[common], help="serve until SIGTERM")
    serve.add_argument("--podman-url", default="", help="e.g. unix:///run/podman/podman.sock")
    serve.add_argument("--listen", choices=["note"], default="", help="note = also serve our roles on the note's ports")
    serve.add_argument("--role", default="", help="serve one role alone, as in its container; needs no data folder")
    serve.add_argument("--detach", action="store_true", help="leave the terminal; return when the socket answers")
    work = verbs.add_parser("work", parents=[common], help="run approved actions beside a backend on PostgreSQL")
    work.add_argument("--database", default="", help="postgresql+psycopg://USER@HOST/NAME; default: backend.database")
    work.add_argument("--slot", default="1", help="a name for this worker's own folder, one for each on a machine")
    work.add_argument("--list", action="store_true", help="say who shares that database, and do nothing")
    verbs.add_parser("stop", parents=[common], help="end the backend cleanly and wait for it")
    verbs.add_parser("mcp", parents=[common], help="serve the knowledge base by MCP on stdin and stdout")
    status = verbs.add_parser("status", parents=[common], help="what the running backend says about itself")
    doctor = verbs.add_parser("doctor", parents=[common], help="check this installation; needs no backend")
    audit = verbs.add_parser("audit", help="the audit log").add_subparsers(dest="audit_verb", required=True)
    verify = audit.add_parser("verify", parents=[common], help="walk the chain and its witness; needs no backend")
    verify.add_argument("folder", type=Path, nargs="?", help="a data folder or an export; default: the data folder")
    verify.add_argument("--pubkey", type=Path, help="your copy of checkpoint.pub: checkpoints must be signed by it")
    _rescue(verbs, common)
    operator = verbs.add_parser("operator", parents=[common], help="make an operator's key; tell what to configure")
    operator.add_argument("name", help="1 to 32 of a-z, 0-9 and -")
    operator.add_argument("file", type=Path, help="a new file for the key; only its owner can read it")
    config = verbs.add_parser("config", help="the configuration").add_subparsers(dest="config_verb", required=True)
    explain = config.add_parser("explain", parents=[common], help="every key, its value and where it comes from")
    for verb in (status, doctor, verify, explain):
        verb.add_argument("--json", action="store_true", help="print JSON")
    return top


def _rescue(verbs: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    restore = verbs.add_parser("restore", parents=[common], help="a data folder, volumes and secrets from one backup")
    restore.add_argument("source", type=Path, help="a backup's folder, or one packed as a file; no backend may run")
    restore.add_argument("--passphrase-file", type=Path, help="opens the sealed secrets; default: as configured")
    restore.add_argument("--replace", action="store_true", help="put the store that is there aside")
    restore.add_argument("--no-containers", action="store_true", help="the data folder only; Podman is not asked")
    restore.add_argument("--podman-url", default="", help="e.g. unix:///run/podman/podman.sock")
    eject = verbs.add_parser("eject", parents=[common], help="the stack as plain Compose and quadlets, without us")
    eject.add_argument("folder", type=Path, help="a new folder for them")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; an error is one sentence on stderr."""
    arguments = parser().parse_args(argv)
    try:
        if getattr(arguments, "role", ""):
            from aistack_backend.api.roles.serve import serve

            serve(arguments.role, os.environ)
            return 0
        settings = resolve(
            os.environ,
            config_file=arguments.config,
            data_dir=arguments.data_dir,
            podman_url=getattr(arguments, "podman_url", ""),
            listen=getattr(arguments, "listen", ""),
        )
        return _run(arguments, settings)
    except ConfigError as error:
        return say(str(error), USAGE)
    except BackendError as error:
        code, sentence = _told(error)
        return say(sentence, code)
    except OSError as error:
        return say(_os_sentence(error), FAILED)


def say(sentence: str, code: int) -> int:
    """Print one sentence to stderr and return ``code``."""
    print(f"aistack-backend: {sentence}", file=sys.stderr)
    return code


def _told(error: BackendError) -> tuple[int, str]:
    return TAKEN if isinstance(error, Conflict) else FAILED, f"{error.detail} {error.hint}".strip()


def _os_sentence(error: OSError) -> str:
    return f"{error.strerror or error}" + (f": {error.filename}." if error.filename else ".")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.verb == "serve":
        return _serve(settings, detached=arguments.detach)
    if arguments.verb == "work":
        from aistack_backend.api.daemon.work import listed, work

        database_url = arguments.database or settings.database_url
        return (
            listed(database_url)
            if arguments.list
            else work(database_url, settings.data_dir, arguments.slot, local_only=settings.config.routing.local_only)
        )
    from aistack_backend.api import verbs

    if arguments.verb == "config":
        return verbs.explain(settings, as_json=arguments.json)
    if plain := {"stop": verbs.stop, "mcp": verbs.mcp}.get(arguments.verb):
        return plain(settings)
    if arguments.verb == "status":
        return verbs.status(settings, as_json=arguments.json)
    if arguments.verb in ("restore", "eject"):
        from aistack_backend.api import rescue

        if arguments.verb == "eject":
            return rescue.eject(settings, arguments.folder)
        wish = rescue.Wish(
            source=arguments.source,
            passphrase=arguments.passphrase_file,
            replace=arguments.replace,
            containers=not arguments.no_containers,
        )
        return rescue.restore(settings, wish)
    if arguments.verb == "operator":
        return verbs.operator(settings, arguments.name, arguments.file)
    if arguments.verb == "doctor":
        return verbs.doctor(settings, as_json=arguments.json)
    folder = arguments.folder or settings.data_dir
    return verbs.verify(folder, as_json=arguments.json, pubkey=arguments.pubkey)


def _serve(settings: Settings, *, detached: bool) -> int:
    from aistack_backend.api.daemon.detach import Herald, detach

    if not detached:
        return _serve_here(settings, Herald(), to_file=False)
    code, sentence = detach(lambda herald: _serve_here(settings, herald, to_file=True))
    return say(sentence, code) if code else 0


def _serve_here(settings: Settings, herald: Herald, *, to_file: bool) -> int:
    """Serve in this process until the end; ``herald`` tells whoever waits how it went."""
    from aistack_backend.api.daemon.logfile import log_to
    from aistack_backend.api.daemon.run import claim, serve

    try:
        with claim(settings) as bound:
            log_to(settings.log_file if to_file else None)
            from aistack_backend.app import build

            serve(settings, build, bound, herald.ready)
    except BackendError as error:
        code, sentence = _told(error)
    except OSError as error:
        code, sentence = FAILED, f"The data folder {settings.data_dir} cannot be used: {_os_sentence(error)}"
    except Exception as error:
        logging.getLogger(__name__).exception("the backend ends")
        code, sentence = FAILED, f"An unforeseen {type(error).__name__}: {error}. See {settings.log_file}."
    else:
        return 0
    herald.failed(code, sentence)
    return say(sentence, code)
