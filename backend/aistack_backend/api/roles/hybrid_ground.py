"""A coordinator raised in its container: all that is heavy to import, so that ``own_hybrid`` need not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack

from sqlalchemy import URL

from aistack_backend.api.roles import hybrid_learning
from aistack_backend.api.roles.far_documents import FarDocuments
from aistack_backend.api.roles.far_vectors import FarVectors
from aistack_backend.api.roles.stores import secret, told
from aistack_backend.api.routework import Ground, raised
from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import SystemClock
from aistack_backend.errors import BadInput
from aistack_backend.inference.providers.service import Providers
from aistack_backend.orchestration.routing.coordinator import Coordinator
from aistack_backend.orchestration.routing.local import Near
from aistack_backend.store.database import Database
from aistack_backend.wire.config import Config, ConfigError
from aistack_backend.wire.configfile import load
from aistack_backend.wire.providerconfig import ProviderConfig
from aistack_backend.wire.rendezvous import config_file

LLAMA = "http://llama-cpp:8080/v1"
"""The stack's own model, on the stack's own network."""


def opened(env: Mapping[str, str]) -> tuple[Config, Database]:
    """Read the configuration and open the stack's PostgreSQL; both may block.

    Raises:
        BadInput: the configuration cannot be. Unavailable: the store cannot be reached.
    """
    try:
        config = load(config_file(env), env).config
    except ConfigError as error:
        raise BadInput(str(error)) from error
    return config, Database(url(env))


async def coordinator(env: Mapping[str, str], config: Config, database: Database, downs: AsyncExitStack) -> Coordinator:
    """Return a coordinator on that store, with the stack's own model and the endpoints of the configuration."""
    clock, routing = SystemClock(), config.routing
    llama = ProviderConfig(
        name="llama-cpp",
        url=env.get("LLAMA_URL", LLAMA),
        model="default",
        local=True,
        timeout=routing.local_seconds,
        read_timeout=routing.local_seconds,
        connect_timeout=2.0,
    )
    providers = Providers((llama, *config.providers), database, clock)
    await providers.start()
    downs.push_async_callback(providers.stop)
    redactor = Redactor(os.urandom(32))  # within one run, equal secrets look equal
    near = Near(providers, llama.name)
    vectors, documents = FarVectors(env.get("EMBEDDINGS_URL", "")), FarDocuments(env.get("AIDB_URL", ""))
    embeds = vectors if env.get("EMBEDDINGS_URL") else None
    downs.push_async_callback(vectors.close)
    downs.push_async_callback(documents.close)
    return raised(
        Ground(
            database=database,
            clock=clock,
            redactor=redactor,
            config=routing,
            providers=providers,
            configured=config.providers,
            models=(near,),
            finds=documents,
            embeds=embeds,
            learned=hybrid_learning.raised(database, clock, redactor, config.learning, near, downs, embeds),
        )
    )


def url(env: Mapping[str, str]) -> str:
    """Return where the stack's PostgreSQL is, with the password of its file.

    Raises:
        Unavailable: the place is not told, or the secret cannot be read.
    """
    file = env.get("POSTGRES_PASSWORD_FILE", "")
    place = {
        "host": told(env, "POSTGRES_HOST"),
        "port": env.get("POSTGRES_PORT", "5432"),
    }  # a host, or a socket's folder
    return URL.create(
        "postgresql+psycopg",
        username=env.get("POSTGRES_USER", "mcp"),
        password=secret(file) if file else None,
        database=env.get("POSTGRES_DB", "mcp"),
        query={**place, "connect_timeout": "3"},
    ).render_as_string(hide_password=False)
