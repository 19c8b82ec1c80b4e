"""The backend's settings, resolved once at the start: configuration, environment and command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aistack_backend.wire import rendezvous
from aistack_backend.wire.config import Config, ConfigError, Loaded, Row
from aistack_backend.wire.configfile import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the wiring needs to know."""

    data_dir: Path
    cache_dir: Path
    socket: Path
    database_url: str
    podman_url: str
    """Empty = the usual places are looked at."""
    threshold: str
    require_approval: bool
    approval_ttl: float
    """Seconds until an undecided approval counts as no."""
    start_ttl: float
    """Seconds an approved action may wait for its start."""
    config: Config
    rows: tuple[Row, ...] = ()
    config_file: str = ""

    @property
    def run_dir(self) -> Path:
        """Folder of the socket, 0700."""
        return self.data_dir / "run"

    @property
    def hosts_dir(self) -> Path:
        """Folder of the sockets that lead to other machines, 0700."""
        return self.run_dir / "hosts"

    @property
    def log_file(self) -> Path:
        """The backend's own log."""
        return self.data_dir / "logs" / "backend.log"


def resolve(
    env: Mapping[str, str],
    *,
    config_file: Path | None = None,
    data_dir: Path | None = None,
    podman_url: str = "",
    listen: str = "",
) -> Settings:
    """Read the configuration and settle every value; arguments win over environment and file.

    Raises:
        ConfigError: a setting that cannot be used, in one sentence.
    """
    loaded = load(config_file or rendezvous.config_file(env), env)
    config = loaded.config
    if listen:
        config = replace(config, stack=replace(config.stack, listen=listen))
    _audited(loaded)
    data = _absolute(data_dir or _given(config.backend.data_dir) or rendezvous.data_dir(env))
    cache = _absolute(_given(config.backend.cache_dir) or rendezvous.cache_dir(env))
    try:
        socket = rendezvous.socket_path(data)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    _fits(config, data)
    return Settings(
        data_dir=data,
        cache_dir=cache,
        socket=socket,
        database_url=config.backend.database or f"sqlite:///{data / 'aistack.db'}",
        podman_url=podman_url or config.podman.url,
        threshold=config.approvals.threshold if config.approvals.require else "none",
        require_approval=config.approvals.require,
        approval_ttl=config.approvals.expire_after,
        start_ttl=config.approvals.start_within,
        config=config,
        rows=loaded.rows,
        config_file=loaded.file,
    )


def _audited(loaded: Loaded) -> None:
    if not loaded.config.approvals.audit:
        where = next(row.source for row in loaded.rows if row.key == "approvals.audit")
        raise ConfigError(f"{where}: the audit log cannot be switched off; remove approvals.audit = false.")


def _fits(config: Config, data: Path) -> None:
    for host in config.hosts:
        path = data / "run" / "hosts" / f"{host.name}.sock"
        if (over := len(str(path).encode()) - rendezvous.SOCKET_LIMIT) > 0:
            raise ConfigError(
                f"The name hosts.{host.name} is {over} bytes too long for a socket in {data}: shorten it."
            )


def _given(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  resolve() would follow links we must see
