"""The parts that come up after the socket answers. Import this module in a thread: it is what takes its time."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from aistack_backend.api import (
    askwork,
    federationwork,
    flowwork,
    importwork,
    knowledgework,
    loopwork,
    nixoswork,
    routework,
    stackwork,
    trainingwork,
)
from aistack_backend.api.parts import Parts
from aistack_backend.containers import sandbox_image
from aistack_backend.containers.around import Around
from aistack_backend.containers.failures import PodmanDown
from aistack_backend.containers.hosts.fleets import Far, Fleets
from aistack_backend.containers.hosts.remote import RemotePodman
from aistack_backend.containers.hosts.tunnel import Tunnel
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.port import Podman
from aistack_backend.containers.prepare import Preparer
from aistack_backend.containers.preparers import Preparers
from aistack_backend.containers.sandbox import ShellTool
from aistack_backend.containers.service import Containers
from aistack_backend.containers.tools import ContainerTool
from aistack_backend.engine.runtime import Engine
from aistack_backend.engine.tools import Registry, Tool
from aistack_backend.errors import BackendError, Unavailable
from aistack_backend.inference.answering import NoModel
from aistack_backend.inference.facts import Facts
from aistack_backend.inference.library import Library
from aistack_backend.inference.measures import Measures
from aistack_backend.inference.models import InferenceSettings
from aistack_backend.inference.providers.service import Providers
from aistack_backend.inference.service import Inference
from aistack_backend.inference.shelf import Shelf
from aistack_backend.knowledge import word_index
from aistack_backend.orchestration import work
from aistack_backend.orchestration.agent import Agent
from aistack_backend.orchestration.fetch.tool import FetchPart
from aistack_backend.orchestration.goals import ALWAYS_ASK
from aistack_backend.orchestration.readings import NixPackages
from aistack_backend.orchestration.tasks import Tasks
from aistack_backend.settings import Settings
from aistack_backend.store.database import Database
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus

log = logging.getLogger(__name__)
ENGINE_GRACE = 5.0
"""Seconds that running effects get at a clean end (15 s in all, R5.12)."""
SANDBOX_RETRY = 30.0
"""Seconds between two tries to make the sandbox image while Podman is away."""
MakePodman = Callable[[Settings], Podman]


def real_podman(settings: Settings) -> Podman:
    """Return Podman as configured, or at the usual places."""
    return ApiPodman(settings.podman_url, os.environ)


async def containers(parts: Parts, downs: AsyncExitStack, make: MakePodman) -> None:
    """Begin to watch Podman, whether it answers or not."""
    podman = await asyncio.to_thread(make, parts.settings)
    service = fleet(podman, parts)
    service.start()
    downs.push_async_callback(asyncio.to_thread, service.stop)
    parts.podman.part, parts.containers.part = podman, service


def fleet(podman: Podman, parts: Parts) -> Containers:
    """Return the containers of this machine, and of the others that the configuration names."""
    others = []
    for host in parts.settings.config.hosts:
        tunnel = Tunnel(host, parts.settings.hosts_dir, parts.clock)
        others.append(Far(host, RemotePodman(host, tunnel), tunnel, str(tunnel.socket)))
    return Fleets(podman, parts.bus, parts.clock, others) if others else Containers(podman, parts.bus, parts.clock)


async def model(parts: Parts, downs: AsyncExitStack, database: Database) -> None:
    """Begin to get the local model ready."""
    settings, wish = parts.settings, parts.settings.config.model
    if not wish.enabled:
        off = "It is switched off (model.enabled = false)."
        standing = ModelStatus(engine=EngineState.ABSENT, since=parts.started_at, detail=off)
        parts.bus.publish(Topic.MODEL, standing)
        await askwork.chats(parts, downs, database, NoModel(standing))
        raise Unavailable(off)
    options = InferenceSettings(
        model_path=wish.path,
        folders=tuple(filter(None, wish.folders.split(":"))),
        stores=wish.stores,
        hub=wish.hub,
        fetch_most=int(wish.fetch_most * 1e9),
        model=wish.default,
        auto_prepare=wish.prepare,
        lora=wish.lora,
        context=wish.context,
        threads=wish.threads,
        adapter=wish.adapter,
        idle_unload=wish.idle_unload * 60,
    )
    facts = Facts(database, parts.clock)
    shelf = Shelf(options, settings.data_dir, settings.cache_dir, facts)
    inference = Inference(options, parts.bus, parts.clock, settings.data_dir, settings.cache_dir, shelf)
    downs.push_async_callback(inference.stop)
    await askwork.chats(parts, downs, database, inference)
    await inference.start()
    parts.inference.part = inference
    library = Library(
        shelf, options, parts.bus, parts.clock, settings.cache_dir, Measures(database), inference.answer, inference.use
    )
    downs.push_async_callback(library.stop)
    inference.on_answer.append(library.answered)
    library.start()
    parts.library.part = library


async def knowledge(parts: Parts, downs: AsyncExitStack, database: Database) -> None:
    """Open the knowledge base; it needs the store alone, and a model only for meaning."""
    await asyncio.to_thread(word_index.catch_up, database)
    made = knowledgework.KnowledgeParts(parts, database)
    downs.callback(made.close)
    parts.knowledge.part = made


async def nixos(parts: Parts, database: Database) -> None:
    """Open the index of what is published about NixOS; it needs the store alone."""
    made = nixoswork.NixParts(parts, database)
    await made.start()
    parts.nixos.part = made


async def providers(parts: Parts, downs: AsyncExitStack, database: Database) -> None:
    """Take in the endpoints of the configuration; nothing is sent to them."""
    made = Providers(parts.settings.config.providers, database, parts.clock)
    await made.start()
    downs.push_async_callback(made.stop)
    parts.providers.part = made


async def federation(parts: Parts, database: Database) -> None:
    """Raise federation: nothing is sent, and no key is made by itself."""
    await federationwork.federation(parts, database)


async def routing(parts: Parts, database: Database) -> None:
    """Raise the coordinator: who answers is found out question by question."""
    parts.routing.part = routework.build(parts, database)


async def execution(parts: Parts, downs: AsyncExitStack, database: Database) -> None:
    """Take the lease and begin to run what was approved; then take requests."""
    podman, boats = parts.podman.get(), parts.containers.get()
    audit, approvals = parts.audit.get(), parts.approvals.get()
    way = routework.way_out(parts)
    stack, loop = stackwork.build(parts, podman, boats, database), loopwork.build(parts, podman, database, way)
    training, imports = trainingwork.build(parts, database), importwork.tools(parts, database, way)
    own: tuple[Tool, ...] = (ContainerTool(podman, boats.nudge, boats.side), ShellTool(podman), *imports, training.tool)
    registry = _registry((*own, loop.tool, loop.removal, *stack.tools), work.tools(way))
    engine = Engine(database, registry, approvals, audit, parts.clock, parts.settings.data_dir, parts.bus)
    single = Preparer(podman, boats, parts.settings.config.podman.sandbox_image)
    around = Around(lambda: parts.bus.latest(Topic.STACK))
    loops = (training.part, loop.part, loop.removal)
    preparer = Preparers(single, FetchPart(), *importwork.parts(), *loops, *stack.preparers, around=around)
    agent = Agent(registry, boats, parts.inference.part)
    readings = (NixPackages(lambda: parts.nixos.get().index),)
    tasks = Tasks(database, approvals, audit, engine, preparer, agent, parts.clock, parts.bus, readings)
    flows = flowwork.build(
        parts, database, registry=registry, tasks=tasks, stack=stack, boats=boats, agent=agent, readings=readings
    )
    if parts.talk.part is not None:
        parts.talk.part.lookup = askwork.build(parts, tasks=tasks, stack=stack, boats=boats, agent=agent)
    approvals.policy.adopt("goals", (ALWAYS_ASK,))
    approvals.enqueue = engine
    approvals.watchers.append(tasks.follow)
    engine.on_done.append(tasks.changed)
    engine.company.on_news.append(lambda: parts.bus.publish(Topic.APPROVALS, approvals.list()))
    downs.push_async_callback(asyncio.to_thread, engine.stop, ENGINE_GRACE)
    await asyncio.to_thread(engine.start)
    await tasks.start()
    downs.push_async_callback(tasks.close)
    stack.watch.start()
    downs.push_async_callback(asyncio.to_thread, stack.watch.stop)
    parts.loops.part = loop.service(tasks, database, audit)
    keeping = asyncio.create_task(loopwork.keep(parts, loop.removal))
    downs.callback(keeping.cancel)
    await flows.start()
    downs.push_async_callback(flows.close)
    parts.flows.part, parts.training.part = flows, training
    parts.engine.part, parts.tasks.part, parts.stack.part = engine, tasks, stack


def _registry(tools: Sequence[Tool], anywhere: Sequence[Tool]) -> Registry:
    """Return who runs which kind of action: these tools, and those that run on any machine."""
    registry = Registry()
    for tool in tools:
        registry.register(tool)
    for tool in anywhere:
        registry.register(tool, anywhere=True)
    return registry


async def sandbox(podman: Podman, configured: str) -> None:
    """Make the image that shell commands run in, as soon as Podman answers."""
    while True:
        try:
            await asyncio.to_thread(sandbox_image.ensure, podman, configured)
        except PodmanDown:
            await asyncio.sleep(SANDBOX_RETRY)
        except BackendError as error:
            log.warning("No sandbox for shell commands: %s %s", error.detail, error.hint)
            return
        else:
            return
