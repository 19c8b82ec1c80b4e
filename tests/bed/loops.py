"""A small repository with failing tests, and the image that its loops run in."""

from __future__ import annotations

import subprocess
from pathlib import Path

IMAGE = "localhost/aistack-core:1"
PROOF = "python3 -m unittest -q tests.test_sums"
SUMS = '''"""Sums."""


def total(numbers):
    result = 1
    for number in numbers:
        result = result + number
    return result


def largest(numbers):
    return min(numbers)


def has_both(text, first, second):
    return first in text or second in text
'''
TESTS = """import unittest

from sums import has_both, largest, total


class Sums(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2, 3]), 6)

    def test_largest(self):
        self.assertEqual(largest([3, 9, 4]), 9)

    def test_has_both(self):
        self.assertTrue(has_both("ab", "a", "b"))
        self.assertFalse(has_both("a", "a", "b"))


if __name__ == "__main__":
    unittest.main()
"""


def repository(folder: Path) -> Path:
    """Make a git repository with three bugs and a test for each."""
    (folder / "tests").mkdir(parents=True)
    (folder / "sums.py").write_text(SUMS)
    (folder / "tests" / "__init__.py").write_text("")
    (folder / "tests" / "test_sums.py").write_text(TESTS)
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "three bugs")):
        identity = ("-c", "user.name=ann", "-c", "user.email=ann@localhost")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)
    return folder
