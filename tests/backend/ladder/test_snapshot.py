"""The rows of the stack: who provides a service, and what a row may claim."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.backend.ladder.made import NOW, ending, measured, service, stack

from aistack_backend.api.beside import alone
from aistack_backend.containers.backup.newest import Kept, Taken
from aistack_backend.containers.certificate.shown import Seen
from aistack_backend.containers.certificate.x509 import Certificate
from aistack_backend.containers.ladder.facts import Facts, Measured
from aistack_backend.containers.ladder.snapshot import Around, snapshot
from aistack_backend.containers.stack.models import Extra, Manifest, Needs, ProbeDecl
from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Provision, Rung, RungName, RungState, Service, ServiceState


def rows(manifest: Manifest, found: dict[str, Measured], **around: object) -> dict[str, Service]:
    made = snapshot(manifest, found, Around(**around), NOW, age_limit=45.0)  # type: ignore[arg-type]
    return {one.id: one for one in made}


def test_every_declared_service_is_there_in_order() -> None:
    manifest = stack(service("db"), service("web", "db"))
    made = snapshot(manifest, {}, Around(), NOW, age_limit=45.0)
    assert [one.id for one in made] == ["db", "web"]
    assert {one.state for one in made} == {ServiceState.UNKNOWN, ServiceState.UNKNOWN}
    assert made[0].used_by == ("web",)


def test_ok_has_no_reason() -> None:
    row = rows(stack(service("web")), {"web": measured()})["web"]
    assert (row.state, row.why, row.provision) == (ServiceState.OK, "", Provision.CONTAINER)


def test_symptoms_name_their_root() -> None:
    manifest = stack(service("db"), service("web", "db"), service("api", "db"))
    found = rows(
        manifest,
        {
            "db": measured(RungName.RUNNING, ending=ending(), name="db"),
            "web": measured(RungName.READY),
            "api": measured(name="api"),
        },
    )
    assert found["db"].symptoms == ("web", "api")
    assert (found["web"].state, found["web"].root_cause) == (ServiceState.BAD, "db")
    assert "db, which is not well" in found["web"].why
    assert (found["api"].state, found["api"].why) == (ServiceState.DEGRADED, "It is well itself; db is not.")


def test_what_is_not_required_infects_nobody() -> None:
    web = service("web", needs=(Needs(service="db", required=False),))
    found = rows(stack(service("db"), web), {"db": measured(RungName.PRESENT), "web": measured()})
    assert found["web"].state is ServiceState.OK


def test_a_standin_is_ok_only_without_a_container_and_is_named() -> None:
    manifest = stack(service("db", extra=Extra(embedded="SQLite")))

    def standin(_: object) -> str:
        return "the SQLite file"

    row = rows(manifest, {"db": measured(RungName.PRESENT)}, standin=standin)["db"]
    assert (row.state, row.provision, row.provided_by) == (ServiceState.OK, Provision.EMBEDDED, "the SQLite file")
    row = rows(manifest, {"db": measured(RungName.RUNNING, ending=ending())}, standin=standin)["db"]
    assert (row.state, row.provision) == (ServiceState.BAD, Provision.CONTAINER)


def test_an_external_one_is_never_claimed_to_be_well() -> None:
    found = rows(
        stack(service("db"), service("web", "db")),
        {"db": measured(RungName.PRESENT), "web": measured()},
        external={"db": "postgres://far"},
    )
    assert (found["db"].state, found["db"].provision) == (ServiceState.UNKNOWN, Provision.EXTERNAL)
    assert "postgres://far" in found["db"].why
    assert found["web"].state is ServiceState.OK


def test_absent_says_what_comes_later() -> None:
    row = rows(stack(service("x", extra=Extra(later="issue 4"))), {"x": measured(RungName.PRESENT)})["x"]
    assert (row.state, row.provision, row.provided_by) == (ServiceState.STOPPED, Provision.ABSENT, "issue 4")
    assert row.why


def test_a_standin_is_not_claimed_while_podman_is_away() -> None:
    rung = Rung(name=RungName.PRESENT, state=RungState.UNKNOWN, at=NOW, evidence="Podman is away.")
    away = Measured(rungs=(rung,), facts=Facts(at=NOW, known=False))
    row = rows(stack(service("db")), {"db": away}, standin=lambda _: "SQLite")["db"]
    assert (row.state, row.provision, row.why) == (ServiceState.UNKNOWN, Provision.UNKNOWN, "Podman is away.")


def test_where_no_podman_ever_was_the_standin_is_what_provides() -> None:
    rung = Rung(name=RungName.PRESENT, state=RungState.UNKNOWN, at=NOW, evidence="No Podman socket exists.")
    away = Measured(rungs=(rung,), facts=Facts(at=NOW, known=False))
    built = rows(stack(service("db")), {"db": away}, standin=lambda _: "SQLite", alone=True)["db"]
    assert (built.state, built.provision, built.provided_by) == (ServiceState.OK, Provision.EMBEDDED, "SQLite")
    other = rows(stack(service("db")), {"db": away}, alone=True)["db"]
    assert (other.state, other.provision) == (ServiceState.UNKNOWN, Provision.UNKNOWN)


@pytest.mark.parametrize(
    ("at", "state", "said"),
    [
        (None, SourceState.ABSENT, True),
        (NOW, SourceState.ABSENT, False),
        (None, SourceState.REFUSED, False),
        (None, SourceState.HANGING, False),
    ],
)
def test_alone_is_only_who_never_saw_a_podman(at: float | None, state: SourceState, said: bool) -> None:
    source = Source(name="podman", state=state, since=NOW)
    assert alone(Fleet(at=at, source=source)) is said
    assert not alone(None)


def test_held_is_said_and_hides_no_fault() -> None:
    manifest = stack(service("db"))
    stopped = measured(RungName.RUNNING, ending=ending(requested=True))
    assert rows(manifest, {"db": stopped}, held=frozenset({"db"}))["db"].state is ServiceState.HELD
    crashed = rows(manifest, {"db": measured(RungName.RUNNING, ending=ending())}, held=frozenset({"db"}))["db"]
    assert (crashed.state, crashed.held) == (ServiceState.BAD, True)
    assert RungState.PASS in {one.state for one in crashed.rungs}


def test_the_backup_of_a_service_is_that_of_its_own_data() -> None:
    keeper = service("db", extra=Extra(backup="pg_dump"))
    kept = Kept(count=1, newest=Taken(at=5.0), services={"db": Taken(at=5.0, verified_at=6.0)})
    found = rows(stack(keeper, service("web")), {}, backups=kept)
    assert [(one.keeps_data, one.last_backup, one.backup_verified) for one in found.values()] == [
        (True, 5.0, 6.0),
        (False, None, None),
    ]
    assert rows(stack(keeper), {})["db"].last_backup is None


def test_a_certificate_is_told_only_when_it_was_seen() -> None:
    found = Certificate(serial="AB", begins=1.0, until=99.0, own=True)
    seen = {"web": Seen(at=7.0, certificate=found), "db": Seen(at=7.0, fault="It refuses.")}
    told = rows(stack(service("web"), service("db")), {}, certificates=seen)
    dated = {key: (one.certificate_until, one.certificate_serial, one.certificate_at) for key, one in told.items()}
    assert dated == {"web": (99.0, "AB", 7.0), "db": (None, "", None)}


def test_a_hop_that_fails_is_the_fault_of_what_stands_behind() -> None:
    hop = ProbeDecl(rung="useful", kind="proxy", options={"port": 1, "through": "api"})
    optional = (Needs(service="api", required=False), Needs(service="ui", required=False))
    proxy = replace(service("proxy", extra=Extra(probes=(hop,))), needs=optional)
    manifest = stack(service("api"), service("ui"), proxy)
    bad = {one: measured(RungName.READY, name=one) for one in ("api", "ui")}
    found = rows(manifest, {**bad, "proxy": measured(RungName.USEFUL, name="proxy")})
    assert (found["proxy"].state, found["proxy"].root_cause) == (ServiceState.BAD, "api")
    below = rows(manifest, {**bad, "proxy": measured(RungName.READY, name="proxy")})
    assert (below["proxy"].state, below["proxy"].root_cause) == (ServiceState.BAD, "")
    alone = {"api": measured(name="api"), "ui": bad["ui"], "proxy": measured(RungName.USEFUL, name="proxy")}
    assert rows(manifest, alone)["proxy"].root_cause == ""
