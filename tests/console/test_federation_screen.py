"""The Federation screen: what waits and who would win, each key with its question, its words for what is empty."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.federation_scene import BUNDLES, CALM, CONTESTED, FOUND, ITEMS, KEY, NONE, federated
from tests.console.shell import Shell
from tests.console.stage import NOW, stage, until

from aistack_backend.wire.events import Topic
from aistack_backend.wire.federation import Federation, HeldItems, ItemState, Rule, Taken, TakenList
from aistack_console.present import federation as words
from aistack_console.screens.federation import FederationScreen
from aistack_console.screens.learning import LearningScreen
from aistack_console.widgets.pick import Pick
from aistack_console.widgets.question import Question

DROPPED = replace(CALM, state=ItemState.DROPPED, outcome="Dropped by operator:me.")


def answer(app: Shell, yes: bool) -> None:
    question = app.screen
    assert isinstance(question, Question)
    question.action_answer(yes)


async def rested(app: Shell) -> None:
    """Wait until what followed the last change was read."""
    screen = app.screen
    await until(lambda: isinstance(screen, FederationScreen) and not screen._reading)


def posted(on: object) -> list[tuple[str, object]]:
    return [one for one in on.asked if one[0].startswith("POST")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_what_waits_who_wins_and_whose_word_it_is_are_shown(size: tuple[int, int]) -> None:
    async with stage() as on:
        federated(on)
        app = Shell(on, FederationScreen)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "waits for a person (2)" in app.text)
            for word in ("peer", "2 wait", "1 trusted", "1 against", "Which port does Qdrant use?"):
                assert word in app.text, word
            for word in ("this pattern 3 wins", "the one from elsewhere wins", "says: Qdrant listens on port 6333."):
                await until(lambda word=word: word in app.text)  # type: ignore[misc]
            await pilot.press("enter", "end")
            if size[0] == 160:
                for word in ("held when bundle 7 was taken in", "north is", "spoke-two, so north says"):
                    assert word in app.text, word


async def test_an_item_that_nothing_contradicts_is_let_in_at_once_and_one_that_is_asks_for_the_rule() -> None:
    async with stage() as on:
        federated(on)
        on.answers["POST /v1/federation/items/12/accept"] = replace(CALM, outcome="Sample 5 waits for review.")
        on.answers["POST /v1/federation/items/11/accept"] = replace(CONTESTED, outcome="Pattern 9 is a candidate.")
        app = Shell(on, FederationScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Where are the models?" in app.text)
            await pilot.press("end", "a")
            await until(lambda: any("No item that waits is chosen." in one for one in app.said))
            await pilot.press("home", "down", "down", "a")
            await until(lambda: ("POST /v1/federation/items/12/accept", {"rule": ""}) in on.asked)
            await until(lambda: "Sample 5 waits for review." in app.said)
            await pilot.press("up", "a")
            await until(lambda: isinstance(app.screen, Pick) and "it is dropped: what is here wins" in app.text)
            await pilot.press("escape")
            await until(lambda: isinstance(app.screen, FederationScreen))
            assert len(posted(on)) == 1
            await pilot.press("a")
            await until(lambda: isinstance(app.screen, Pick))
            await pilot.press("3")
            await until(lambda: ("POST /v1/federation/items/11/accept", {"rule": "highest-value"}) in on.asked)
            await until(lambda: "Pattern 9 is a candidate." in app.said)
            await rested(app)


async def test_dropping_and_revoking_ask_first() -> None:
    async with stage() as on:
        federated(on)
        on.answers["POST /v1/federation/items/11/drop"] = DROPPED
        on.answers["POST /v1/federation/signers/north/revoke"] = replace(FOUND.signers[1], revoked_at=NOW)
        app = Shell(on, FederationScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Where are the models?" in app.text)
            await pilot.press("X", "d")
            await until(lambda: any("No signer is chosen." in one for one in app.said))
            await until(lambda: isinstance(app.screen, Question))
            answer(app, False)
            await until(lambda: isinstance(app.screen, FederationScreen))
            assert not posted(on)
            await pilot.press("d")
            await until(lambda: isinstance(app.screen, Question))
            answer(app, True)
            await until(lambda: "Dropped by operator:me." in app.said)
            await pilot.press(*["down"] * 4, "X")
            await until(lambda: any("It was revoked already." in one for one in app.said))
            await pilot.press("down", "X")
            await until(lambda: isinstance(app.screen, Question) and "Trust north no more?" in app.text)
            answer(app, True)
            await until(lambda: "north is trusted no more." in app.said)
            await rested(app)


async def test_trusting_shows_the_key_and_asks() -> None:
    async with stage() as on:
        federated(on)
        on.answers["POST /v1/federation/signers"] = FOUND.signers[1]
        app = Shell(on, FederationScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Where are the models?" in app.text)
            await pilot.press("N", *"north", "enter")
            await until(lambda: any("takes a name and a key" in one for one in app.said))
            await pilot.press("N", *f"north {KEY}", "enter")
            await until(lambda: isinstance(app.screen, Question) and "5f3a5f3a 5f3a5f3a" in app.text)
            answer(app, True)
            wanted = ("POST /v1/federation/signers", {"name": "north", "key": KEY, "days": None})
            await until(lambda: wanted in on.asked)
            await until(lambda: "north is trusted; what it sends waits." in app.said)
            await rested(app)


async def test_bundles_come_in_and_go_out_by_their_path() -> None:
    async with stage() as on:
        federated(on)
        refused = Taken(path="/srv/b", refused="b is signed by nobody.")
        on.answers["POST /v1/federation/import"] = TakenList(files=(Taken(path="/srv/a", bundle=BUNDLES[0]), refused))
        on.answers["POST /v1/federation/export"] = BUNDLES[1]
        app = Shell(on, FederationScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Where are the models?" in app.text)
            await pilot.press("I", *"/srv", "enter")
            told = "Bundle 7 of north: 2 items wait, 3 left out.\nRefused. b is signed by nobody."
            await until(lambda: told in app.said)
            await pilot.press("E", *"/srv/out", "enter")
            await until(lambda: any("/srv/out.aifed.json: 9 items" in one for one in app.said))
            await pilot.press("K")
            await until(lambda: any("The key is made already." in one for one in app.said))
            await pilot.press("home", *["down"] * 4)
            await until(lambda: "our key" in app.text and "c0dec0de c0dec0de" in app.text)
            await pilot.press("home")
            await until(lambda: "makes the key" in app.text or "is made: c0dec0de" in app.text)
            await rested(app)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_empty_screen_says_what_to_do_and_makes_the_key(size: tuple[int, int]) -> None:
    async with stage() as on:
        federated(on)
        on.answers |= {"GET /v1/federation": NONE, "GET /v1/federation/items": HeldItems()}
        on.answers["POST /v1/federation/key"] = FOUND
        app = Shell(on, FederationScreen)
        async with app.run_test(size=size) as pilot:
            await until(lambda: "Nothing came from elsewhere" in app.text)
            assert "no key yet" in app.text
            await pilot.press("E")
            await until(lambda: any("There is no key yet: K makes it." in one for one in app.said))
            await pilot.press("K")
            await until(lambda: any("The key is made: c0dec0de" in one for one in app.said))
            await rested(app)


async def test_view_only_changes_nothing_and_learning_leads_here() -> None:
    async with stage() as on:
        federated(on)
        app = Shell(on, FederationScreen, view_only=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Where are the models?" in app.text)
            await pilot.press("a", "d", "N", "I", "E")
            await until(lambda: sum("--view-only" in one for one in app.said) == 5)
            assert not posted(on)
        app = Shell(on, LearningScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Which port" in app.text)
            await pilot.press("F")
            await until(lambda: ("federation", "") in app.went)


async def test_it_is_read_again_when_the_backend_tells_of_a_change_and_not_else() -> None:
    async with stage() as on:
        federated(on)
        app = Shell(on, FederationScreen)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "Where are the models?" in app.text)
            read = lambda: sum(one == "GET /v1/federation" for one, _ in on.asked)  # noqa: E731
            screen, before = app.screen, read()
            assert isinstance(screen, FederationScreen)
            for _ in range(50):
                screen.repaint()
                await pilot.pause()
            assert read() == before
            on.answers["GET /v1/federation/items"] = HeldItems(items=(CALM,))
            on.push(Topic.LEARNING, on.topics[Topic.LEARNING])
            await until(lambda: "waits for a person (1)" in app.text)
            await rested(app)


def test_the_words_say_what_is_not_known() -> None:
    assert words.head(None, None, NOW)[1] == ("not read yet", "warn")
    assert words.rows(None, ITEMS, NOW) == ()
    stranger = Federation(role=FOUND.role)
    assert words.signature(CALM, None, stranger.signers, NOW).endswith("north is not known now")
    expired = replace(FOUND.signers[1], expires_at=NOW - 1)
    assert words.standing(expired, NOW) == ("expired", "warn")
    by = dict(words.rules(CONTESTED))
    assert by[Rule.LATEST.value] == "it is dropped: what is here wins"
    assert by[Rule.HIGHEST_VALUE.value] == "it is let in"
    assert words.taken(TakenList()) == "There is no bundle in that folder."
