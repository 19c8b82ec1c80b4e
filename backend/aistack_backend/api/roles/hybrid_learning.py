"""Learning in the hybrid coordinator's own process, on the stack's PostgreSQL; its runs are told on stderr."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import AsyncExitStack

from aistack_backend.api.learnwork import Trying
from aistack_backend.audit.redact import Redactor
from aistack_backend.clock import Clock
from aistack_backend.knowledge.port import Embeds
from aistack_backend.learning.rounds import Rounds
from aistack_backend.learning.service import Learning, LearningSettings
from aistack_backend.orchestration.routing.port import Model
from aistack_backend.store.database import Database
from aistack_backend.wire.config import LearningConfig

RUNS = "aistack_backend.learning.runs"


def raised(
    database: Database,
    clock: Clock,
    redactor: Redactor,
    config: LearningConfig,
    model: Model,
    downs: AsyncExitStack,
    embeds: Embeds | None = None,
) -> Learning:
    """Return learning with its runs begun; without a model of vectors, questions are compared by their words."""
    wanted = LearningSettings(enabled=config.enabled, interval=config.interval, threshold=config.dataset_threshold)
    made = Learning(database, clock, redactor, wanted, embeds, Trying(model))
    said = logging.StreamHandler(sys.stderr)
    said.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger(RUNS)
    log.setLevel(logging.INFO)
    log.addHandler(said)  # the role's process has no other
    downs.callback(log.removeHandler, said)
    task = asyncio.create_task(Rounds(made, clock).keep())
    downs.push_async_callback(asyncio.wait, {task})
    downs.callback(task.cancel)
    return made
