"""The verbs of ``aistack-backend`` other than serve: each prints, and returns its exit code."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

import msgspec

from aistack_backend.api.daemon.lock import holder
from aistack_backend.settings import Settings
from aistack_backend.wire import operatorkey
from aistack_backend.wire.status import Status

STOP_WITHIN = 20.0
"""Seconds that a clean end may take before we say that it did not come."""
TIMEOUT = 10.0


def stop(settings: Settings) -> int:
    """End the backend with SIGTERM and wait for it: 0 ended, 1 it did not in time, 4 none runs."""
    pid = holder(settings.data_dir)
    if pid is None:
        return _nobody(settings)
    handle = os.pidfd_open(pid)  # the process itself, whatever becomes of its number
    try:
        if holder(settings.data_dir) != pid:
            return _nobody(settings)
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        ended, _, _ = select.select([handle], [], [], STOP_WITHIN)
    finally:
        os.close(handle)
    if not ended:
        print(f"aistack-backend: pid {pid} still runs after {STOP_WITHIN:g} s; see logs/backend.log.", file=sys.stderr)
        return 1
    print(f"The backend (pid {pid}) has ended.")
    return 0


def operator(settings: Settings, name: str, file: Path) -> int:
    """Make an operator's key and print what belongs into whose configuration: 0, or 2 for a name that cannot be.

    Raises:
        OSError: the file cannot be made.
    """
    try:
        digest = operatorkey.make(name, file)
    except ValueError as error:
        print(f"aistack-backend: {error}", file=sys.stderr)
        return 2
    print(f"The key of {name} is in {file}; nothing else holds it.")
    print(f'In the backend\'s {settings.config_file}, then restart it:\n\n[operators]\n{name} = "{digest}"\n')
    print(f'In the configuration of {name}:\n\n[console]\noperator_key = "{file.resolve()}"')
    return 0


def status(settings: Settings, *, as_json: bool) -> int:
    """Print what the running backend says about itself: 0, or 4 when none answers."""
    try:
        body = _get(settings.socket, "/v1/status")
    except (OSError, http.client.HTTPException):
        return _nobody(settings)
    if as_json:
        print(body.decode())
        return 0
    said = msgspec.json.decode(body, type=Status)
    print(f"pid {said.pid}, version {said.version}, data {said.data_dir}")
    print(f"threshold {said.threshold}, {said.pending_approvals} pending")
    for source in said.sources:
        print(f"{source.name:<10} {source.state:<10} {source.detail}")
    if said.banner:
        print(f"! {said.banner}")
    return 0


def doctor(settings: Settings, *, as_json: bool) -> int:
    """Print every finding: 0 when nothing is wrong, else 1."""
    import asyncio

    from aistack_backend.api.diagnosis import offline
    from aistack_backend.observe.doctor import Doctor

    report = asyncio.run(Doctor(offline(settings)).report())
    if as_json:
        print(msgspec.json.encode(report).decode())
    for finding in () if as_json else report.findings:
        word = {True: "ok", False: "BAD", None: "?"}[finding.ok]
        print(f"{word:<4}{finding.name:<12} {finding.detail}" + (f"\n    fix: {finding.fix}" if finding.fix else ""))
    return 1 if any(finding.ok is False for finding in report.findings) else 0


def verify(folder: Path, *, as_json: bool, pubkey: Path | None = None) -> int:
    """Walk the audit log in a data folder or an export: 0 it holds, 1 it does not, 2 it cannot be read."""
    from aistack_backend.audit.checkpoint import keys_of
    from aistack_backend.audit.verify import verify_directory
    from aistack_backend.errors import BackendError

    try:
        check = verify_directory(folder, keys_of(pubkey) if pubkey else None)
    except BackendError as error:
        print(f"aistack-backend: {error.detail} {error.hint}".rstrip(), file=sys.stderr)
        return 2
    if as_json:
        print(msgspec.json.encode(check).decode())
    else:
        print(f"{'holds' if check.ok else 'DOES NOT HOLD'}: {check.count} records. {check.detail}".rstrip())
    return 0 if check.ok else 1


def explain(settings: Settings, *, as_json: bool) -> int:
    """Print every key with its value and its origin."""
    if as_json:
        print(msgspec.json.encode(settings.rows).decode())
        return 0
    print(f"# {settings.config_file}")
    for row in settings.rows:
        print(f"{row.key:<28} {json.dumps(row.value)[1:-1] or '-':<24} {row.source:<32} {row.doc}")
    return 0


def _nobody(settings: Settings) -> int:
    print(f"aistack-backend: no backend runs on {settings.data_dir}.", file=sys.stderr)
    return 4


class _Local(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect to the Unix socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self._path))


def _get(path: Path, route: str) -> bytes:
    connection = _Local(path)
    try:
        connection.request("GET", route, headers={"X-Aistack-Via": "cli"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise http.client.HTTPException(f"status {answer.status}")
        return answer.read()
    finally:
        connection.close()


def mcp(settings: Settings) -> int:
    """Serve the knowledge base of the running backend by MCP on stdin and stdout, until stdin ends."""
    from aistack_backend.api.mcp.stdio import serve

    return serve(settings.socket)
