"""The numbers of fine-tuning: gradient, learning, verdict, datasets and their bad relatives. No engine."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from tests.bed.lessons import dataset as lessons
from tests.bed.lessons import line

from aistack_backend.errors import BadInput
from aistack_backend.learning.training import adapterfile, dataset, lora, verdict

VOCABULARY, WIDTH, INNER = 50, 12, 20


def frozen(seed: int = 0) -> lora.Frozen:
    """A tiny head."""
    chance = np.random.default_rng(seed)
    weights = chance.standard_normal((VOCABULARY, WIDTH), dtype=np.float32)
    return lora.Frozen(weights, 1 + 0.1 * chance.standard_normal(WIDTH, dtype=np.float32), 1e-5)


def rows(count: int = 40, *, noise: bool = False, seed: int = 1) -> lora.Rows:
    """Rows of which the right token follows from what goes in; with ``noise`` chance chose it."""
    chance = np.random.default_rng(seed)
    kinds = np.arange(count) % 4
    centres = np.random.default_rng(99).standard_normal((4, INNER), dtype=np.float32)
    inner = centres[kinds] + 0.1 * chance.standard_normal((count, INNER), dtype=np.float32)
    outer = chance.standard_normal((count, WIDTH), dtype=np.float32)
    wanted = chance.integers(0, 4, count) if noise else kinds
    return lora.Rows(inner, outer, np.asarray(wanted, np.int64), np.arange(count))


def test_gradient_is_that_of_finite_differences() -> None:
    """At single entries of A and B, in 64 bits so that the differences tell something."""
    head, some = frozen(), rows(7)
    double = lora.Frozen(*(np.asarray(one, np.float64) for one in (head.weights, head.norm)), head.epsilon)  # type: ignore[arg-type]
    wide = lora.Rows(some.inner.astype(np.float64), some.outer.astype(np.float64), some.wanted, some.line)  # type: ignore[arg-type]
    chance = np.random.default_rng(3)
    a, b = chance.standard_normal((3, INNER)), chance.standard_normal((WIDTH, 3))
    _, by_a, by_b = lora.gradient(head, lora.Adapter(a.astype(np.float32), b.astype(np.float32), 2.0), some)

    def loss() -> float:
        state = wide.outer + 2.0 * (wide.inner @ a.T) @ b.T
        normed = state / np.sqrt(np.mean(state**2, 1, keepdims=True) + double.epsilon) * double.norm
        logits = normed @ double.weights.T
        right = logits[np.arange(len(wide)), wide.wanted]
        return float(np.mean(np.log(np.exp(logits).sum(1)) - right))

    for matrix, slope in ((a, by_a), (b, by_b)):
        for at in ((0, 0), (1, 2), (2, 1), (-1, -1)):
            kept = matrix[at]
            matrix[at] = kept + 1e-5
            above = loss()
            matrix[at] = kept - 1e-5
            below = loss()
            matrix[at] = kept
            assert slope[at] == pytest.approx((above - below) / 2e-5, rel=2e-3, abs=1e-5)


def test_leaving_out_the_negligible_changes_the_gradient_by_as_little() -> None:
    """The short way and the exact way agree."""
    made = lora.fresh(INNER, WIDTH, lora.Recipe())
    made.b += 0.1
    exact, short = (lora.gradient(frozen(), made, rows(), negligible) for negligible in (0.0, 1e-6))
    assert short[0] == exact[0]
    for one, other in zip(exact[1:], short[1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_the_same_seed_gives_the_same_adapter_and_less_loss_on_other_rows() -> None:
    """Learning is repeatable, and carries over to rows that were not learned from."""
    recipe, told = lora.Recipe(steps=60, rank=4), []
    made = lora.learn(frozen(), rows(), recipe, lambda number, _: told.append(number))
    again = lora.learn(frozen(), rows(), recipe, lambda *_: None)
    assert told == list(range(1, 61))
    np.testing.assert_array_equal(made.a, again.a)
    np.testing.assert_array_equal(made.b, again.b)
    others = rows(seed=5)
    before, after = lora.losses(frozen(), None, others), lora.losses(frozen(), made, others)
    assert not verdict.refusal(verdict.gain(before.tolist(), after.tolist()), None)


@pytest.mark.parametrize("seed", range(6))
def test_chance_labels_are_refused_by_the_control(seed: int) -> None:
    """What chance labelled does better than the model alone, by its tone, and no better than its control."""
    learned, others, recipe = rows(noise=True, seed=seed), rows(noise=True, seed=seed + 50), lora.Recipe(steps=60)
    shuffled = np.random.default_rng(seed).permutation(learned.wanted)
    control = lora.Rows(learned.inner, learned.outer, shuffled, learned.line)
    made, dealt = (lora.learn(frozen(), one, recipe, lambda *_: None) for one in (learned, control))
    base, after, other = (lora.losses(frozen(), one, others).tolist() for one in (None, made, dealt))
    over_base, over_control = verdict.gain(base, after), verdict.gain(other, after)
    assert over_base.clear
    assert "dealt to other questions" in verdict.refusal(over_base, over_control)


def test_verdict_names_the_bar() -> None:
    """The sentence says what was gained and what would have been needed."""
    same = verdict.gain([1.0, 1.1, 0.9], [1.0, 1.1, 0.9])
    assert verdict.refusal(same, None).endswith("+0.000 nats a token are gained, 0.020 are needed.")
    assert verdict.refusal(verdict.gain([1.0, 1.0], [0.5, 0.51]), None) == ""
    with pytest.raises(ValueError, match="two or more"):
        verdict.gain([1.0], [0.5])


def test_adapter_file_is_gguf(tmp_path: Path) -> None:
    """Its head says what it is, and its tensors begin on boundaries; llama.cpp's own word is in the engine's test."""
    made = lora.fresh(INNER, WIDTH, lora.Recipe(rank=3))
    file = tmp_path / "a.gguf"
    adapterfile.write(file, made, architecture="llama", target="blk.1.ffn_down.weight", name="x")
    data = file.read_bytes()
    assert data[:4] == b"GGUF"
    assert struct.unpack("<IQQ", data[4:24]) == (3, 2, 6)
    assert b"blk.1.ffn_down.weight.lora_a" in data
    assert len(data) % adapterfile.ALIGN == 0
    assert not any(data[-160:])  # B is zero: 12 x 3 numbers and what pads them
    assert any(data[-192:-160])


def test_split_depends_on_the_questions_alone() -> None:
    """The same lines in another order, or twice, or with other answers, are held out the same."""
    data = lessons()
    made = dataset.parse(data, "d")
    lines = data.decode().splitlines()
    turned = dataset.parse("\n".join([*reversed(lines), lines[0]]).encode(), "d")
    assert turned.examples == made.examples
    assert {one.digest for one in made.held} == {one.digest for one in dataset.parse(lessons(noise=True), "d").held}
    assert not {one.digest for one in made.held} & {one.digest for one in made.learned}
    assert 5 <= len(made.held) <= 20


def test_dealing_keeps_questions_and_answers_and_parts_them() -> None:
    """The control has the same of both."""
    learned = dataset.parse(lessons(), "d").learned
    others = dataset.dealt(learned, 1)
    assert [one.turns[:-1] for one in others] == [one.turns[:-1] for one in learned]
    assert sorted(one.turns[-1] for one in others) == sorted(one.turns[-1] for one in learned)
    assert sum(a == b for a, b in zip(others, learned, strict=True)) < len(learned) / 2
    assert dataset.dealt(learned, 1) == others


BAD_LINES = [
    ("{", "is not JSON"),
    ("[" * 100_000, "is not JSON"),
    ("[]", "has no list of 2 to 40 messages"),
    (json.dumps({"messages": []}), "has no list of 2 to 40 messages"),
    (json.dumps({"messages": [{"role": "user", "content": "x"}] * 2}), "does not end with an answer"),
    (json.dumps({"messages": [{"role": "assistant", "content": "x"}] * 2}), "does not end with an answer"),
    (json.dumps({"messages": [{"role": "root", "content": "x"}] * 2}), "without a role"),
    (line("what?", " "), "without text"),
    (line("what?", "\ud800"), "not valid Unicode"),
    (json.dumps({"messages": [1, 2]}), "without a role"),
]


@pytest.mark.parametrize(("text", "said"), BAD_LINES, ids=range(len(BAD_LINES)))
def test_bad_lines_are_named(text: str, said: str) -> None:
    """One sentence with the line's number."""
    with pytest.raises(BadInput) as caught:
        dataset.parse(lessons() + b"\n" + text.encode(), "d.jsonl")
    assert said in caught.value.detail
    assert "Line 62 of d.jsonl" in caught.value.detail


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has 0 different lines; 20 are the fewest"),
        (b"\xff\xfe", "is not UTF-8 (byte 0)"),
        (b" " * (dataset.MOST_BYTES + 1), "bytes; 16777216 are the most"),
        (b"1\n" * (dataset.MOST_LINES + 1), "has 20001 lines"),
        (lessons(words=15).splitlines()[0] * 1, "has 1 different lines"),
        ("\n".join(line("the same?", f"answer {at}") for at in range(30)).encode(), "would be held out"),
    ],
    ids=["empty", "not UTF-8", "large", "many", "one", "one question"],
)
def test_bad_datasets_are_refused(data: bytes, said: str) -> None:
    """Too large, too small, of another form."""
    with pytest.raises(BadInput) as caught:
        dataset.parse(data, "d.jsonl")
    assert said in caught.value.detail
