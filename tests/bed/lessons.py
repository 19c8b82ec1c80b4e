"""Small seeded datasets to learn from: one where the question decides the answer, and one where chance did."""

from __future__ import annotations

import json
import random

SHELVES = {
    "Animals": "dog cat horse tiger rabbit whale eagle lion mouse sheep goat wolf bear monkey snake",
    "Fruits": "apple banana orange grape cherry lemon peach mango plum melon strawberry pear apricot fig lime",
    "Countries": "France Germany Italy Spain Japan China Brazil India Canada Mexico Egypt Poland Norway Peru Greece",
    "Colours": "red blue green yellow purple brown black white grey violet pink crimson scarlet indigo turquoise",
}


def dataset(*, noise: bool = False, seed: int = 7, words: int = 15) -> bytes:
    """Return a dataset of chat lines: words and the shelf each stands on; with ``noise`` chance chose the shelf."""
    chance = random.Random(seed)
    lines = []
    for shelf, found in SHELVES.items():
        for word in found.split()[:words]:
            said = chance.choice(tuple(SHELVES)) if noise else shelf
            lines.append(line(f"Shelf for {word}?", said))
    return ("\n".join(lines) + "\n").encode()


def line(question: str, answer: str) -> str:
    """Return one line of a dataset."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns})
