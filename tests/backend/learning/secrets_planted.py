"""A hundred secrets of many forms (invented), each in a sentence as people write them."""

from __future__ import annotations

import hashlib
import random
import string

_ALNUM = string.ascii_letters + string.digits


def _token(seed: int, length: int, letters: str = _ALNUM) -> str:
    drawn = random.Random(seed)
    return "".join(drawn.choice(letters) for _ in range(length - 2)) + drawn.choice("0123456789") + "z"


def _forms(seed: int) -> tuple[tuple[str, str], ...]:
    plain = _token(seed, 20)
    return (
        ("The token is {} and it expires.", "ghp_" + _token(seed, 36)),
        ("export AWS_SECRET_ACCESS_KEY={}", _token(seed, 40)),
        ("password={}", plain),
        ("curl -H 'Authorization: Bearer {}' http://127.0.0.1", _token(seed, 32)),
        ("postgresql://mcp:{}@127.0.0.1/mcp", plain),
        ("The key is {} for the model.", "sk-" + _token(seed, 40)),
        ("api_key: {}", hashlib.sha256(str(seed).encode()).hexdigest()),
        ("glpat token {}", "glpat-" + _token(seed, 20)),
        ("{} is in the log", "AKIA" + _token(seed, 18, string.ascii_uppercase)[:16].upper()),
        ("DB_PASSWORD='{}'", plain),
    )


SECRETS = tuple((text.format(secret), secret) for seed in range(10) for text, secret in _forms(seed))
