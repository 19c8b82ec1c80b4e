"""The doctor and self-heal on certificates: how long they hold, and one request in the last days."""

from __future__ import annotations

from collections.abc import Mapping

from aistack_backend.clock import HandClock
from aistack_backend.containers.certificate.shown import Seen
from aistack_backend.containers.certificate.x509 import Certificate
from aistack_backend.errors import BadInput
from aistack_backend.observe.certificates import RENEW, RenewalWatch, certificates
from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.tasks import Task, TaskState

DAY = 86_400.0
NOW = 1_700_000_000.0


def seen(days: float, own: bool = True, now: float = NOW) -> Seen:
    return Seen(at=now, certificate=Certificate(serial="AB12", begins=0.0, until=now + days * DAY, own=own))


def test_the_doctor_dates_what_is_shown_and_warns_in_the_last_days() -> None:
    def ask(found: Mapping[str, Seen]) -> tuple[bool | None, str, str]:
        one = certificates(lambda: found, lambda: NOW).ask()
        return one.ok, one.detail, one.fix

    assert ask({})[0] is True
    well = ask({"nginx": seen(400)})
    assert well == (True, "The certificate of nginx ends on 2024-12-18, 400 days left.", "")
    assert ask({"nginx": seen(29)}) == (
        False,
        "The certificate of nginx ends on 2023-12-13, 29 days left.",
        f"{RENEW} nginx",
    )
    assert ask({"nginx": seen(-2)})[1] == "The certificate of nginx ended on 2023-11-12, 2 days ago."
    unseen = ask({"nginx": Seen(at=NOW, fault="nginx at 127.0.0.1:8443 refuses the connection.")})
    assert unseen == (None, "nginx at 127.0.0.1:8443 refuses the connection.", "")


class Asked:
    def __init__(self) -> None:
        self.wishes: list[tuple[str, str, str]] = []
        self.refuse = False

    def submit_action(self, request: ActionRequest, requester: str, via: str) -> Task:
        if self.refuse:
            raise BadInput("No.")
        self.wishes.append((request.kind, request.target, requester))
        state = TaskState.AWAITING
        return Task(id=1, goal="", requester=requester, via=via, state=state, created_at=0.0, updated_at=0.0)


def test_a_renewal_is_asked_for_once_a_day_and_only_in_the_last_days() -> None:
    clock, asked = HandClock(), Asked()
    found = {"nginx": seen(31, now=clock.now())}
    watch = RenewalWatch(lambda: found, asked, clock)
    assert watch.tick() == ()
    clock.advance(2 * DAY)
    assert watch.tick() == ("nginx",)
    assert watch.tick() == ()
    clock.advance(DAY + 1)
    assert watch.tick() == ("nginx",)
    assert asked.wishes == [("certificate.renew", "nginx", "self-heal")] * 2


def test_nothing_is_asked_for_what_others_signed_or_nobody_saw() -> None:
    clock, asked = HandClock(), Asked()
    found = {"nginx": seen(3, own=False, now=clock.now()), "web": Seen(at=1.0, fault="It refuses.")}
    assert RenewalWatch(lambda: found, asked, clock).tick() == ()
    asked.refuse = True
    assert RenewalWatch(lambda: {"nginx": seen(3, now=clock.now())}, asked, clock).tick() == ()
    assert asked.wishes == []
