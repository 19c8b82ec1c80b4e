"""Who the operator is by a key, where the account alone does not say it."""

from __future__ import annotations

from pathlib import Path

from aistack_backend.wire import operatorkey
from aistack_backend.wire.config import Config, ConfigError


def key_of(config: Config) -> str:
    """Return ``NAME:KEY`` of the configured operator key; "" when none is configured.

    Raises:
        ConfigError: it cannot be used; one sentence.
    """
    if not config.console.operator_key:
        return ""
    try:
        return operatorkey.read(Path(config.console.operator_key).expanduser())
    except ValueError as error:
        raise ConfigError(f"console.operator_key: {error}") from error
