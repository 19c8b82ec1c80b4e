"""Checklist, doctor and storage: what is read when it is opened, and what each key asks for."""

from __future__ import annotations

from dataclasses import replace

from tests.console import stacked
from tests.console.stage import Stage, source, until
from tests.console.world import FLEET, approval, console, stage

from aistack_backend.wire.checklist import TickState
from aistack_backend.wire.events import Topic
from aistack_backend.wire.problems import Problem
from aistack_backend.wire.sources import SourceState


def asked(on: Stage, route: str) -> list[dict[str, object]]:
    return [body for what, body in on.asked if what == route]


async def test_the_checklist_is_read_run_and_changes_live() -> None:
    async with stage() as one:
        one.answers |= stacked.answers() | {"POST /v1/checklist/run": stacked.CHECKLIST}
        async with console(one) as screen:
            screen.app.command(":checklist")
            await screen.sees("PASS 1  FAIL 1")
            await screen.sees("1 Foundation")
            await screen.press("r")
            await until(lambda: "POST /v1/checklist/run" in dict(one.asked))
            ticks = tuple(replace(tick, state=TickState.PASS) for tick in stacked.CHECKLIST.ticks)
            one.push(Topic.CHECKLIST, replace(stacked.CHECKLIST, ticks=ticks))
            await screen.sees("PASS 5")
            await screen.press("escape")
            await until(lambda: screen.app.current_mode == "overview")


async def test_the_doctor_puts_the_worst_first_and_its_fix_can_be_copied() -> None:
    async with stage() as one:
        one.answers |= stacked.answers()
        async with console(one) as screen:
            screen.app.command(":doctor")
            await screen.sees(">BAD     port 8092")
            await screen.sees("Stop it: kill 812")
            await screen.press("y")
            await until(lambda: "kill 812" in screen.app.clipboard)
            await screen.press("j", "y")
            await screen.told("There is no fix to copy.")


async def test_a_volume_is_removed_by_the_gate_and_only_when_nobody_uses_it() -> None:
    async with stage() as one:
        one.answers |= stacked.answers() | {"POST /v1/actions/preview": approval(0, kind="volume.remove")}
        async with console(one) as screen:
            screen.app.command(":storage")
            await screen.sees("volumes")
            await screen.press("X")
            await screen.told("local-ai-qdrant is used by local-ai-qdrant.")
            await screen.press("j", "X")
            await until(lambda: asked(one, "POST /v1/actions/preview"))
            request = asked(one, "POST /v1/actions/preview")[0]
            assert (request["kind"], request["target"]) == ("volume.remove", "old")


async def test_a_prune_is_marked_read_changed_and_asked_as_one_exact_list() -> None:
    async with stage() as one:
        one.answers |= stacked.answers() | {"POST /v1/actions/preview": approval(0, kind="image.remove")}
        async with console(one) as screen:
            screen.app.command(":storage")
            await screen.sees("localhost/qdrant:1")
            await screen.press("P")
            await screen.told("A prune of volumes would take nothing.")
            await screen.press("j", "j", "P")
            await screen.sees("X removes 2 images, at most 110M")
            await screen.sees("it has no name and no container is made of it")
            await screen.press("X")
            await until(lambda: asked(one, "POST /v1/actions/preview"))
            request = asked(one, "POST /v1/actions/preview")[0]
            assert (request["kind"], request["target"]) == ("image.remove", f"{'cd' * 32} {'ba' * 32}")


async def test_a_mark_on_what_is_used_says_why_it_stays() -> None:
    async with stage() as one:
        one.answers |= stacked.answers()
        async with console(one) as screen:
            screen.app.command(":storage")
            await screen.sees("localhost/qdrant:1")
            await screen.press("space", "space", "k", "X")
            await screen.told("local-ai-qdrant is used by local-ai-qdrant.")
            assert not asked(one, "POST /v1/actions/preview")


async def test_a_backup_is_verified_by_the_gate() -> None:
    async with stage() as one:
        one.answers |= stacked.answers() | {"POST /v1/actions/preview": approval(0, kind="backup.verify")}
        async with console(one) as screen:
            screen.app.command(":storage")
            await screen.sees("2026-11-18T12-00-00Z")
            await screen.press("G", "v")
            await until(lambda: asked(one, "POST /v1/actions/preview"))
            assert asked(one, "POST /v1/actions/preview")[0]["target"] == "2026-11-17T12-00-00Z"


async def test_storage_without_backups_is_still_storage() -> None:
    async with stage() as one:
        one.answers["GET /v1/storage"] = stacked.STORAGE
        async with console(one) as screen:
            screen.app.command(":storage")
            await screen.sees("localhost/qdrant:1")


async def test_what_cannot_be_read_is_a_sentence() -> None:
    async with stage() as one:
        bad = Problem(type="x", title="X", status=503, detail="Podman is hanging.", hint="Restart it.")
        one.answers |= {"GET /v1/storage": bad, "GET /v1/doctor": bad, "GET /v1/checklist": bad}
        async with console(one) as screen:
            for name in ("storage", "doctor", "checklist"):
                screen.app.command(f":{name}")
                await until(lambda name=name: screen.app.current_mode == name)  # type: ignore[misc]
                await screen.sees("Podman is hanging. Restart it.")


async def test_what_was_read_before_podman_went_away_says_so() -> None:
    async with stage() as one:
        one.answers |= stacked.answers()
        async with console(one) as screen:
            screen.app.command(":storage")
            await screen.sees("STORAGE")
            away = source(state=SourceState.ABSENT, detail="No Podman socket exists.")
            one.push(Topic.FLEET, replace(FLEET, source=away))
            await screen.sees("No Podman socket exists.")
