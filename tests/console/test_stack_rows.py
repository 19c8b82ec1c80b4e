"""The stack in words: ladder glyphs, groups, root causes, and nothing told as new that is old."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console import stacked
from tests.console.stage import NOW, source
from tests.console.world import fleet

from aistack_backend.wire.containers import Activity, Usage, UsageTable
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Rung, RungName, RungState, Stack
from aistack_console.present import boot, grouped, kept, ladder, overview
from aistack_console.present import stack as show
from aistack_console.present.para import Para
from aistack_console.present.services import Listed, View
from aistack_console.present.table import Row


def cells(row: Row) -> list[str]:
    return [cell if isinstance(cell, str) else cell[0] for cell in row.cells]


def text(paras: tuple[Para, ...]) -> str:
    return "\n".join("".join(cell if isinstance(cell, str) else cell[0] for cell in one.cells) for one in paras)


def listed(of: Stack, view: View = View(), folded: tuple[str, ...] = (), down: float | None = None) -> Listed:  # noqa: B008 (frozen)
    boxes = fleet(*stacked.boxes(of))
    used = UsageTable(at=NOW, rows=(Usage(id=stacked.box_id("redis"), at=NOW, cpu_percent=1.2, memory=180 << 20),))
    world = grouped.World(stack=of, fleet=boxes, usage=used, down=down, now=NOW, own={})
    return grouped.listed(world, view, folded)


def test_a_ladder_is_six_cells_that_need_no_colour() -> None:
    services = show.by_id(stacked.FAULT)
    assert show.ladder_ascii(services["hybrid-coordinator"]) == "##!..."
    assert show.ladder_ascii(services["postgres"]) == "######"
    none = replace(services["postgres"], rungs=(Rung(name=RungName.HEALTHY, state=RungState.NONE),))
    assert show.ladder_ascii(none) == "...-.."
    assert show.ladder_ascii(show.by_id(stacked.EMBEDDED)["redis"]) == "", "nothing of ours to climb"


def test_how_long_a_state_lasts_is_seen_or_at_the_least() -> None:
    seen = replace(show.by_id(stacked.FAULT)["postgres"], since=NOW - 19)
    assert "OK    for 19s" in text(ladder.health(seen, stacked.FAULT, None, NOW))
    older = replace(seen, watched=False)
    assert "for at least 19s" in text(ladder.health(older, stacked.FAULT, None, NOW))


def test_groups_have_a_line_and_other_containers_come_last() -> None:
    rows = listed(stacked.FAULT).rows
    lines = [cells(row) for row in rows if row.group]
    assert lines[0] == ["v data", "3/3 OK"]
    assert ["v orchestration", "0/3"] in lines
    assert lines[-1] == ["v other", "1"]
    assert cells(rows[-1])[0] == "web"
    assert rows[1].key == "service:postgres"


def test_a_service_shows_its_container_and_its_shut_port() -> None:
    rows = {row.key: cells(row) for row in listed(stacked.FAULT).rows}
    assert rows["service:redis"][:8] == ["redis", "OK", "■■■■■■", "2h00", "0", "1.2", "180M/-", "6379"]
    assert rows["service:hybrid-coordinator"][7] == "8092!"
    assert rows["service:hybrid-coordinator"][-1].startswith("not listening: 8092 is not bound, restarts 2 of 5")


def test_a_service_without_a_container_says_what_provides_it() -> None:
    rows = {row.key: cells(row) for row in listed(stacked.EMBEDDED).rows}
    assert rows["service:postgres"][-1] == "embedded: postgres inside the backend"
    assert rows["service:nginx"][-1] == "absent"


def test_a_folded_group_keeps_its_line_and_a_filter_its_groups() -> None:
    keys = [row.key for row in listed(stacked.HEALTHY, folded=("data",)).rows]
    assert keys[:2] == ["group:data", "group:mcp"]
    found = listed(stacked.HEALTHY, View(text="^redis"))
    assert [row.key for row in found.rows] == ["group:data", "service:redis"]
    assert found.head.startswith("1 of 20")


@pytest.mark.parametrize("sort", ["name", "state", "cpu", "memory", "up"])
def test_sorting_keeps_groups_together(sort: str) -> None:
    rows = listed(stacked.FAULT, View(sort=sort)).rows
    assert next(row.key for row in rows if row.group) == "group:data"
    assert sum(not row.group for row in rows) == 21


def test_old_checks_are_words_of_their_age() -> None:
    late = replace(stacked.HEALTHY, at=NOW - 120)
    assert show.service_word(late.services[0], late, None, NOW).why == "was OK 2m00 ago"
    assert show.service_word(stacked.HEALTHY.services[0], stacked.HEALTHY, NOW - 5, NOW).word == "UNKNOWN"
    assert show.counts(late, fleet(), None, NOW)["UNKNOWN"] == 20


def test_a_manifest_that_cannot_be_read_says_where() -> None:
    bad = source("stack", SourceState.FAILED, detail="stack.yml:12: services.redis.prots is not known.")
    found = listed(replace(stacked.HEALTHY, source=bad))
    assert "stack.yml:12: services.redis.prots" in found.problem
    assert cells(found.rows[1])[1] == "UNKNOWN"


def test_one_fault_is_one_need_with_its_symptoms_counted() -> None:
    rows = overview.needs(None, None, fleet(), stacked.FAULT, down=None, now=NOW)
    assert [cells(row)[:3] for row in rows] == [
        ["BAD", "service", "hybrid-coordinator (hits 3): not listening: 8092 is not bound"]
    ]


def test_why_leads_from_a_symptom_to_its_cause_and_the_next_step() -> None:
    found = text(ladder.why(show.by_id(stacked.FAULT)["nginx"], stacked.FAULT, None, NOW))
    assert found.index("waits on hybrid-coordinator") < found.index("Nothing is bound to 8092")
    assert "next: Look at port= in its config.yaml" in found
    assert "changed   image v13 → v14 at 09:38" in found


def test_health_names_what_it_needs_and_whom_it_hits() -> None:
    found = text(ladder.health(show.by_id(stacked.FAULT)["hybrid-coordinator"], stacked.FAULT, None, NOW))
    assert "hits 3 others: ralph-wiggum code-machine nginx" in found
    assert "needs     qdrant OK   postgres OK   redis OK   llama-cpp OK" in found
    assert "used by   ralph-wiggum OK*   code-machine OK*" in found
    assert "! listening NO" in found


def test_the_overview_counts_by_group() -> None:
    told = overview.summary(
        status=None, fleet=fleet(), host=None, model=None, tasks=None, stack=stacked.FAULT, boot=stacked.BOOTING,
        down=None, now=NOW,
    )  # fmt: skip
    assert "SERVICES data 3/3  mcp 3/4  ai 2/3  orchestration 0/3" in text(told)
    assert "BOOT     up minimal RUNNING 1m12, 2 of 5 ready, slowest hybrid-coordinator, ends in about 51s" in text(told)


def test_probes_do_not_drown_what_happened() -> None:
    probe = Activity(at=NOW, who="podman", text="redis runs an extra command", object_name="redis", action="exec")
    ended = Activity(at=NOW - 5, who="podman", text="web ended", object_name="web", action="died")
    told = text(overview.feed((*[probe] * 200, ended), None, NOW))
    assert "web ended" in told
    assert "extra command" not in told


def test_a_boot_row_is_measured_against_what_it_took_before() -> None:
    rows = {row.key: cells(row) for row in boot.rows(stacked.BOOTING, NOW)}
    assert rows["postgres"][:5] == ["postgres", "ready", "[##########]", "3s", "8s"]
    assert rows["llama-cpp"][2:5] == ["[######....]", "1m11", "2m00"]
    assert rows["hybrid-coordinator"][2:4] == ["", "-"]
    assert rows["hybrid-coordinator"][-1] == "waits for qdrant llama-cpp"
    assert rows["postgres"][5:11] == ["+0.0s", "+0.2s", "+0.4s", "+1.0s", "+2.8s", "+3.0s"]


def test_a_boot_that_was_never_seen_has_no_end_in_sight() -> None:
    head = "".join(
        cell if isinstance(cell, str) else cell[0] for cell in boot.head(replace(stacked.BOOTING, eta=None), NOW)
    )
    assert "end not known: no past boot" in head


def test_a_failure_is_told_with_its_last_lines_wherever_the_cursor_is() -> None:
    found = text(boot.detail(stacked.BROKEN, "postgres", NOW))
    assert "qdrant FAILED It ended with exit 1 after 9 s." in found
    assert "  | ERROR storage is locked by another process" in found


@pytest.mark.parametrize(
    ("count", "at", "verified_at", "said"),
    [
        (None, None, None, ""),
        (0, None, None, "never"),
        (2, NOW - 7200, None, "2h00 ago, not verified"),
        (2, NOW - 7200, NOW - 3600, "2h00 ago, verified 1h00 ago"),
    ],
)
def test_a_backup_is_told_with_its_proof(
    count: int | None, at: float | None, verified_at: float | None, said: str
) -> None:
    assert kept.kept_words(count, at, verified_at, NOW) == said


def test_the_overview_tells_of_backups_only_what_was_looked_at() -> None:
    assert kept.kept_line(stacked.stack(backups=None), NOW) == ()
    assert kept.kept_line(replace(stacked.stack(), services=()), NOW) == ()
    never = stacked.stack(backups=0, last_backup=None, backup_verified=None)
    assert kept.kept_line(never, NOW)[0].cells[-1] == ("never", "warn")
    assert kept.kept_line(stacked.stack(), NOW)[0].cells[-1] == ("last 1h00 ago, verified 30m ago", "plain")


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (400.0, "expires on 20"),
        (400.0, "400 days left; serial 4F4F4F4F4F4F4F4F, seen 12s ago"),
        (-2.0, "EXPIRED on 20"),
    ],
)
def test_a_certificate_is_dated_as_it_was_seen(days: float, said: str) -> None:
    nginx = show.by_id(stacked.stack({"nginx": {"certificate_until": NOW + days * 86_400}}))["nginx"]
    assert said in ladder.certificate_words(nginx, NOW)
    assert ladder.certificate_words(replace(nginx, certificate_until=None), NOW) == ""
    facts = [
        one.cells for one in ladder.health(nginx, stacked.stack(), None, NOW) if one.cells[0] == (f"{'tls':<9} ", "dim")
    ]
    assert [cells[1][1] for cells in facts] == ["plain" if days > 30 else "warn"]
