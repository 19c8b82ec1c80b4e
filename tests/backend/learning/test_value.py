"""A value has parts that are measured; what is not known has none. Words tell what is the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aistack_backend.learning import split, value, words
from aistack_backend.learning.meaning import Sense, grouped, likeness, nearest, same
from aistack_backend.learning.models import Interaction, Told, Verdict

ONE = Told(
    id=1,
    at=0.0,
    interaction=Interaction(source="coordinator", query="What is NixOS?", answer="A distribution.", ok=True),
    verdict=Verdict.GOOD,
)


def test_the_sum_of_the_parts() -> None:
    parts = value.scored(ONE, others=1, nearest=0.25)
    assert (parts.outcome, parts.feedback, parts.reusability, parts.novelty) == (1.0, 1.0, 0.5, 0.75)
    assert parts.complexity == pytest.approx(4 / 200)  # "A" is a filler
    assert parts.value == pytest.approx(0.4 + 0.2 + 0.1 + 0.1 * 4 / 200 + 0.075, abs=1e-4)


def test_not_judged_and_not_ended_have_no_value() -> None:
    assert value.scored(replace(ONE, verdict=None), 5, None).value is None
    unended = replace(ONE, interaction=replace(ONE.interaction, ok=None))
    parts = value.scored(unended, 5, None)
    assert (parts.value, parts.outcome, parts.novelty) == (None, None, 1.0)


def test_bad_and_failed_are_worth_less_and_corrected_as_much_as_good() -> None:
    good = value.scored(ONE, 0, None)
    bad = value.scored(replace(ONE, verdict=Verdict.BAD), 0, None)
    failed = replace(ONE, interaction=replace(ONE.interaction, ok=False), verdict=Verdict.CORRECTED, correction="It.")
    assert (bad.feedback, value.right(replace(ONE, verdict=Verdict.BAD))) == (0.0, "")
    assert (value.scored(failed, 0, None).outcome, value.right(failed)) == (1.0, "It.")
    assert good.value is not None
    assert bad.value is not None
    assert bad.value < good.value


def test_a_third_is_held_out_and_always_the_same_third() -> None:
    held = [number for number in range(3_000) if split.held_out(number)]
    assert 900 < len(held) < 1_100
    assert held == [number for number in range(3_000) if split.held_out(number)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is NixOS?", "what is  NIXOS"),
        ("Could you please tell me what is NixOS", "What is NixOS?"),
        ("Où est le café ?", "ou est le cafe"),
    ],
)
def test_the_same_question(one: str, other: str) -> None:
    assert words.key(one) == words.key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("C++ lists", "C lists"), ("port 80", "port 8080"), ("is it up", "is it not up"), ("cp x to y", "cp y to x")],
)
def test_another_question(one: str, other: str) -> None:
    assert words.key(one) != words.key(other)


def test_texts_without_words_are_empty_and_have_nothing_in_common() -> None:
    assert (words.key(""), words.key("?!"), words.key("the"), words.overlap("", "")) == ("", "", "the", 0.0)


def test_answers_agree_by_most_words_but_never_against_a_number_or_a_not() -> None:
    assert words.agree("It is a Linux distribution.", "it is a linux distribution!")
    assert words.agree("Use nix profile install hello to install it", "use nix profile install hello")
    assert not words.agree("It listens on port 8090 of the host", "It listens on port 8091 of the host")
    assert not words.agree("The service is healthy now", "The service is not healthy now")
    assert not words.agree("yes", "a fully different text")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is it safe to restart redis before a backup", "Is it safe to restart redis after a backup"),
        ("How do I enable the podman socket", "How do I disable the podman socket"),
        ("Run it with a proxy", "Run it without a proxy"),
        ("Python 3.11", "Python 3.12"),
    ],
)
def test_opposites_are_never_the_same_question_whatever_their_vectors_say(one: str, other: str) -> None:
    vector = np.full(4, 0.5, "<f4").tobytes()
    both = [Sense(one, vector, "m"), Sense(other, vector, "m")]
    assert likeness(*both) == pytest.approx(1.0)
    assert not same(*both)
    assert grouped(both) == [0, 1]
    assert grouped([both[0], Sense(f"{one} now", vector, "m"), both[1]]) == [0, 0, 2]


def crowd(seed: int) -> list[Sense]:
    """Questions of few words whose vectors are close, of two models, some without a vector."""
    chance = np.random.default_rng(seed)
    base, made = chance.standard_normal(16), []
    for _ in range(80):
        vector = base + chance.choice([0.1, 0.35, 1.0]) * chance.standard_normal(16)
        text = " ".join(chance.choice(["port", "qdrant", "not", "start", "stop", "7", "8", "which"], 3))
        known = (vector / np.linalg.norm(vector)).astype("<f4").tobytes() if chance.random() < 0.9 else None
        made.append(Sense(text, known, str(chance.choice(["m", "m", "n"])) if known else ""))
    return made


@pytest.mark.parametrize("seed", range(8))
def test_groups_and_nearest_are_those_of_looking_at_each_pair(seed: int) -> None:
    senses = crowd(seed)
    leaders, first, expected = list[int](), dict[str, int](), []
    for at, one in enumerate(senses):
        if words.key(one.text) not in first:
            alike = [each for each in leaders if same(one, senses[each])]
            best = max(alike, key=lambda each: (likeness(one, senses[each]), -each), default=at)
            first[words.key(one.text)] = best
            leaders += [at] if best == at else []
        expected.append(first[words.key(one.text)])
    assert grouped(senses) == expected
    known = senses[40:]
    pairs = [max(0.0, *(likeness(one, other) for other in known)) for one in senses[:40]]
    assert nearest(senses[:40], known) == pytest.approx(pairs, abs=1e-6)
    assert nearest(senses[:2], []) == [None, None]
