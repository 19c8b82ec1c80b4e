"""One fault, n symptoms."""

from __future__ import annotations

from aistack_backend.containers.ladder.fold import fold
from aistack_backend.wire.stack import ServiceState

OK, BAD, STARTING, STOPPED, UNKNOWN, DEGRADED = (
    ServiceState.OK,
    ServiceState.BAD,
    ServiceState.STARTING,
    ServiceState.STOPPED,
    ServiceState.UNKNOWN,
    ServiceState.DEGRADED,
)


def test_all_well() -> None:
    found = fold({"a": OK, "b": OK}, {"b": ("a",)})
    assert {key: (one.state, one.root, one.symptoms) for key, one in found.items()} == {
        "a": (OK, "", ()),
        "b": (OK, "", ()),
    }


def test_one_root_three_symptoms() -> None:
    states = {"db": BAD, "one": BAD, "two": OK, "three": STARTING, "far": OK}
    found = fold(states, {"one": ("db",), "two": ("db",), "three": ("db",)})
    assert found["db"].symptoms == ("one", "two", "three")
    assert found["db"].root == ""
    assert {key: found[key].root for key in ("one", "two", "three", "far")} == {
        "one": "db", "two": "db", "three": "db", "far": "",
    }  # fmt: skip
    assert found["two"].state is DEGRADED
    assert found["one"].state is BAD
    assert found["far"].state is OK


def test_the_deepest_is_the_root() -> None:
    found = fold({"db": BAD, "api": BAD, "web": OK}, {"api": ("db",), "web": ("api",)})
    assert (found["web"].root, found["api"].root) == ("db", "db")
    assert found["db"].symptoms == ("api", "web")
    assert found["api"].symptoms == ()


def test_of_two_roots_the_worst_is_named() -> None:
    found = fold({"slow": STARTING, "db": BAD, "web": OK}, {"web": ("slow", "db")})
    assert found["web"].root == "db"


def test_a_stop_by_a_person_is_no_symptom() -> None:
    found = fold({"db": BAD, "web": STOPPED}, {"web": ("db",)})
    assert (found["web"].state, found["web"].root) == (STOPPED, "")
    assert found["db"].symptoms == ()


def test_an_unknown_dependency_leaves_nothing_ok() -> None:
    found = fold({"db": UNKNOWN, "web": OK}, {"web": ("db",)})
    assert (found["web"].state, found["web"].root) == (DEGRADED, "db")


def test_a_circle_ends() -> None:
    found = fold({"a": BAD, "b": OK}, {"a": ("b",), "b": ("a",)})
    assert found["b"].state is DEGRADED


def test_a_diamond_of_twenty_floors_is_quick() -> None:
    states = {f"{side}{floor}": OK for floor in range(20) for side in "lr"}
    states["l0"] = BAD
    needs = {f"{side}{n}": (f"l{n - 1}", f"r{n - 1}") for n in range(1, 20) for side in "lr"}
    found = fold(states, needs)
    assert found["l19"].root == "l0"
    assert len(found["l0"].symptoms) == 38
