"""A low-rank change of the last block's ``ffn_down``: forward, loss, exact gradient and Adam, by hand.

With ``act`` what goes into ``ffn_down`` and ``out`` what leaves the block, both of the frozen model:
``h = out + s B A act``, ``x = norm * h / rms(h)``, logits ``W x``, loss = mean cross entropy. Only A and B learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
FADE, FADE_SQUARE, TINY = 0.9, 0.999, 1e-8
"""Adam's own constants."""
BLOCK = 256
"""Rows computed at once when nothing is learned: a row is a whole vocabulary wide."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One row for each token of the answers."""

    inner: Floats
    outer: Floats
    wanted: Numbers
    """The token that was right."""
    line: Numbers
    """Which line of the dataset it is of."""

    def some(self, chosen: Numbers) -> Rows:
        """Return these rows alone."""
        return Rows(self.inner[chosen], self.outer[chosen], self.wanted[chosen], self.line[chosen])

    def __len__(self) -> int:
        return len(self.wanted)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What stands behind the block and does not learn."""

    weights: Floats
    norm: Floats
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How it learns; the same recipe on the same rows gives the same adapter."""

    steps: int = 60
    rank: int = 8
    seed: int = 1
    alpha: float = 16.0
    rate: float = 1e-2
    """Adam's step at the start; it falls to a tenth of it along half a cosine."""
    batch: int = 32
    """Rows of a step."""
    negligible: float = 1e-6
    """A token that no row of the batch finds as likely as this is left out of the gradient."""

    @property
    def scale(self) -> float:
        """What llama.cpp multiplies the change with."""
        return self.alpha / self.rank


@dataclass(slots=True)
class Adapter:
    """The two matrices."""

    a: Floats
    """Rank x inner width."""
    b: Floats
    """Outer width x rank."""
    scale: float

    def applied(self, rows: Rows) -> Floats:
        """Return what leaves the block with the change."""
        return np.asarray(rows.outer + np.float32(self.scale) * (rows.inner @ self.a.T) @ self.b.T, np.float32)


def fresh(inner: int, outer: int, recipe: Recipe) -> Adapter:
    """Return an adapter that changes nothing yet: A is small and random, B is zero."""
    chance = np.random.default_rng(recipe.seed)
    a = chance.standard_normal((recipe.rank, inner), dtype=np.float32) / np.float32(np.sqrt(inner))
    return Adapter(a, np.zeros((outer, recipe.rank), np.float32), recipe.scale)


def losses(frozen: Frozen, adapter: Adapter | None, rows: Rows) -> Floats:
    """Return the loss of each row in nats; ``None`` = of the frozen model."""
    found = [_losses(frozen, adapter, rows, at) for at in range(0, len(rows), BLOCK)]
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def _losses(frozen: Frozen, adapter: Adapter | None, rows: Rows, at: int) -> Floats:
    part = rows.some(np.arange(at, min(at + BLOCK, len(rows))))
    state = part.outer if adapter is None else adapter.applied(part)
    logits = (state * _inverse(state, frozen.epsilon) * frozen.norm) @ frozen.weights.T
    logits -= logits.max(1, keepdims=True)
    right = logits[np.arange(len(part)), part.wanted]
    return np.asarray(np.log(np.exp(logits).sum(1)) - right, np.float32)


def gradient(frozen: Frozen, adapter: Adapter, rows: Rows, negligible: float = 0.0) -> tuple[float, Floats, Floats]:
    """Return the mean loss of the rows, and its gradient by A and by B."""
    count, each = len(rows), np.arange(len(rows))
    low = rows.inner @ adapter.a.T
    state = np.asarray(rows.outer + np.float32(adapter.scale) * low @ adapter.b.T, np.float32)
    inverse = _inverse(state, frozen.epsilon)
    chance = (state * inverse * frozen.norm) @ frozen.weights.T
    chance -= chance.max(1, keepdims=True)
    right = chance[each, rows.wanted]
    np.exp(chance, out=chance)
    total = chance.sum(1, keepdims=True)
    loss = float(np.mean(np.log(total[:, 0]) - right))
    chance /= total
    chance[each, rows.wanted] -= 1.0
    matters = np.flatnonzero(np.abs(chance).max(0) > negligible) if negligible else slice(None)
    normed = (chance[:, matters] @ frozen.weights[matters]) * frozen.norm / np.float32(count)
    width = state.shape[1]
    along = (normed * state).sum(1, keepdims=True) / np.float32(width)
    back = (inverse * normed - state * inverse**3 * along) * np.float32(adapter.scale)
    return loss, (back @ adapter.b).T @ rows.inner, back.T @ low


def _inverse(state: Floats, epsilon: float) -> Floats:
    """Return one over the root mean square of each row."""
    square = np.mean(np.square(state), axis=1, keepdims=True, dtype=np.float32)
    return np.asarray(1.0 / np.sqrt(square + np.float32(epsilon)), np.float32)


class Adam:
    """Adam over one matrix, changed in place."""

    def __init__(self, matrix: Floats) -> None:
        self._matrix = matrix
        self._mean, self._square = np.zeros_like(matrix), np.zeros_like(matrix)
        self._step = 0

    def step(self, slope: Floats, rate: float) -> None:
        """Take one step against the slope."""
        self._step += 1
        self._mean += np.float32(1 - FADE) * (slope - self._mean)
        self._square += np.float32(1 - FADE_SQUARE) * (np.square(slope) - self._square)
        mean = self._mean / np.float32(1 - FADE**self._step)
        square = self._square / np.float32(1 - FADE_SQUARE**self._step)
        self._matrix -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(TINY))


def learn(frozen: Frozen, rows: Rows, recipe: Recipe, tell: Callable[[int, float], None]) -> Adapter:
    """Return the adapter after all steps; ``tell`` gets the number of each step and the loss of its rows."""
    made = fresh(rows.inner.shape[1], rows.outer.shape[1], recipe)
    first, second = Adam(made.a), Adam(made.b)
    turns = _batches(len(rows), recipe)
    for number in range(1, recipe.steps + 1):
        loss, by_a, by_b = gradient(frozen, made, rows.some(next(turns)), recipe.negligible)
        rate = recipe.rate * (0.55 + 0.45 * float(np.cos(np.pi * (number - 1) / recipe.steps)))
        first.step(by_a, rate)
        second.step(by_b, rate)
        tell(number, loss)
    return made


def _batches(count: int, recipe: Recipe) -> Iterator[Numbers]:
    """Yield row numbers for ever: each row once before any comes again."""
    chance = np.random.default_rng(recipe.seed + 1)
    while True:
        order = chance.permutation(count)
        for at in range(0, count, recipe.batch):
            yield order[at : at + recipe.batch]
