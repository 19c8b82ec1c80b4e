"""Where console and backend meet: the data directory and the operator's socket in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

OPERATOR_HEADER = "x-aistack-operator"
"""Carries ``NAME:KEY`` of an operator's key over the operator's Unix socket."""
SOCKET_LIMIT = 107
"""Longest path in bytes that Linux takes for a Unix socket (``sun_path`` less its NUL)."""


def data_dir(env: Mapping[str, str]) -> Path:
    """Return ``$AISTACK_DATA_DIR``, else ``$XDG_DATA_HOME/aistack``, else ``~/.local/share/aistack``."""
    if own := env.get("AISTACK_DATA_DIR"):
        return Path(own).expanduser()
    base = env.get("XDG_DATA_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".local/share")
    return Path(base) / "aistack"


def config_file(env: Mapping[str, str]) -> Path:
    """Return ``$AISTACK_CONFIG``, else ``$XDG_CONFIG_HOME/aistack/config.toml``, else ``~/.config/…``."""
    if own := env.get("AISTACK_CONFIG"):
        return Path(own).expanduser()
    base = env.get("XDG_CONFIG_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".config")
    return Path(base) / "aistack" / "config.toml"


def cache_dir(env: Mapping[str, str]) -> Path:
    """Return ``$AISTACK_CACHE_DIR``, else ``$XDG_CACHE_HOME/aistack``, else ``~/.cache/aistack``."""
    if own := env.get("AISTACK_CACHE_DIR"):
        return Path(own).expanduser()
    base = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".cache")
    return Path(base) / "aistack"


def socket_path(data: Path) -> Path:
    """Return the operator's socket of that data directory.

    Raises:
        ValueError: the path is longer than a Unix socket can have; the sentence says what would be right.
    """
    path = data / "run" / "backend.sock"
    length = len(str(path).encode())
    if length > SOCKET_LIMIT:
        raise ValueError(
            f"The socket path {path} is {length} bytes long and Linux allows {SOCKET_LIMIT}: "
            "set AISTACK_DATA_DIR to a shorter folder."
        )
    return path
