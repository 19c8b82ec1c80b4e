"""The palette reads nothing as markup: a reason may hold the name of a container."""

from __future__ import annotations

from tests.console.world import console, container, fleet, stage

from aistack_backend.wire.events import Topic

NAME = "[@click=app.quit]web[/]"


async def test_a_name_in_a_reason_is_shown_as_it_is() -> None:
    async with stage() as one:
        one.topics[Topic.FLEET] = fleet(container(NAME))
        async with console(one, size=(120, 40)) as screen:
            screen.app.goto("services")
            await screen.sees("sorted by name")
            await screen.press("ctrl+p")
            await screen.sees(f"off: {NAME} runs already.")
            await screen.press(*"start")
            await screen.sees(f"off: {NAME} runs already.")
