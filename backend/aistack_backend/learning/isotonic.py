"""A map that never falls from a raw number to the share that was right (pool adjacent violators), and its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Points = Sequence[tuple[float, bool]]
"""Raw number, and whether the answer was right."""
Knots = tuple[tuple[float, float], ...]
"""Raw number and share, both rising."""
BINS = 10


def fitted(points: Points) -> Knots:
    """Return the map that fits best among those that never fall. Each raw number counts with one more judgement of the
    whole's share, so that few judgements make neither 0 nor 1."""
    whole = sum(right for _, right in points) / len(points)
    sums: dict[float, list[float]] = {}
    for raw, right in points:
        held = sums.setdefault(raw, [0.0, 0.0])
        held[0] += right
        held[1] += 1
    blocks: list[tuple[list[float], float, float]] = []
    for raw in sorted(sums):
        good, count = sums[raw]
        blocks.append(([raw], good + whole, count + 1))
        while len(blocks) > 1 and _share(blocks[-2]) >= _share(blocks[-1]):
            raws, good, count = blocks.pop()
            blocks[-1] = (blocks[-1][0] + raws, blocks[-1][1] + good, blocks[-1][2] + count)
    edges = [(edge, _share(one)) for one in blocks for edge in dict.fromkeys((one[0][0], one[0][-1]))]
    return tuple(edges)


def mapped(knots: Knots, raw: float) -> float:
    """Return the share for a raw number: on the line between two knots, beyond them as at the end."""
    below = [one for one in knots if one[0] <= raw]
    above = [one for one in knots if one[0] >= raw]
    if not below or not above:
        return (above or below)[0 if above else -1][1]
    (x0, y0), (x1, y1) = below[-1], above[0]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (raw - x0) / (x1 - x0)


def error(points: Points, says: Callable[[float], float] = float) -> float | None:
    """Return the expected calibration error: in ten bins of what is said, how far the mean of what is said lies from
    the share that was right, weighed by the bins' sizes. None of nothing."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for raw, right in points:
        said = says(raw)
        bins[min(BINS - 1, max(0, int(said * BINS)))].append((said, right))
    off = sum(abs(sum(said - right for said, right in one)) for one in bins)
    return off / len(points) if points else None


def _share(block: tuple[list[float], float, float]) -> float:
    return block[1] / block[2]
