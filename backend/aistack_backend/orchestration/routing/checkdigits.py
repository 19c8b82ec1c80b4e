"""The check digits of numbers that name a person or an account: without them every long number would look like one."""

from __future__ import annotations

_TIMES = ((0, 1, 2, 3, 4), (1, 2, 3, 4, 0), (2, 3, 4, 0, 1), (3, 4, 0, 1, 2), (4, 0, 1, 2, 3))
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22,
    25, 24, 23,
), strict=True))  # fmt: skip


def digits(text: str) -> str:
    """Return the digits of a text alone."""
    return "".join(one for one in text if one.isascii() and one.isdigit())


def luhn(text: str) -> bool:
    """Cards, Canadian and Swedish numbers: every second digit doubled, from the right."""
    total = 0
    for place, one in enumerate(reversed(digits(text))):
        value = int(one) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(text: str) -> bool:
    """Whether it is a payment card's number: an issuer's first digit, a length that is in use, the check digit."""
    found = digits(text)
    return 13 <= len(found) <= 19 and found[0] in "23456" and len(set(found)) > 1 and luhn(found)


def iban(text: str) -> bool:
    """Whether it is an account by ISO 13616: the whole, with its letters as numbers, is 1 modulo 97."""
    bare = "".join(text.split()).replace("-", "").upper()
    if not 15 <= len(bare) <= 34 or not bare.isascii() or not bare.isalnum():
        return False
    return int("".join(str(int(one, 36)) for one in bare[4:] + bare[:4])) % 97 == 1


def weighted(text: str, weights: tuple[int, ...], modulus: int) -> int:
    """Return the sum of digits times weights, modulo."""
    return sum(int(one) * weight for one, weight in zip(digits(text), weights, strict=False)) % modulus


def pesel(text: str) -> bool:
    """Poland: a day in its first six digits, and a check digit."""
    month = int(text[2:4]) % 20
    day = 1 <= month <= 12 and 1 <= int(text[4:6]) <= 31
    return day and (10 - weighted(text[:10], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), 10)) % 10 == int(text[10])


def bsn(text: str) -> bool:
    """The Netherlands: the eleven test."""
    found = digits(text)
    return len(found) == 9 and weighted(found, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0


def cpf(text: str) -> bool:
    """Brazil: two check digits."""
    found = digits(text)
    if len(found) != 11 or len(set(found)) == 1:
        return False
    first = weighted(found[:9], tuple(range(10, 1, -1)), 11)
    second = weighted(found[:10], tuple(range(11, 1, -1)), 11)
    return [int(one) for one in found[9:]] == [0 if rest < 2 else 11 - rest for rest in (first, second)]


def dni(text: str) -> bool:
    """Spain: the letter is the number modulo 23; a foreigner's begins with X, Y or Z."""
    bare = text.upper().replace("-", "").replace(" ", "")
    number = bare[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and _DNI[int(number) % 23] == bare[-1]


def insee(text: str) -> bool:
    """France: the key is 97 less the number modulo 97."""
    found = digits(text)
    return len(found) == 15 and 97 - int(found[:13]) % 97 == int(found[13:])


def steuer_id(text: str) -> bool:
    """Germany: ISO 7064, modulo 11, 10; one digit at least stands twice among the first ten."""
    found = digits(text)
    if len(found) != 11 or found[0] == "0" or len(set(found[:10])) > 9:
        return False
    product = 10
    for one in found[:10]:
        total = (int(one) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(found[10])


def codice_fiscale(text: str) -> bool:
    """Italy: sixteen letters and digits, the last by the sum of the others."""
    bare = text.upper()
    total = sum(
        _ODD[one] if place % 2 == 0 else int(one) if one.isdigit() else ord(one) - 65
        for place, one in enumerate(bare[:15])
    )
    return len(bare) == 16 and chr(65 + total % 26) == bare[15]


def aadhaar(text: str) -> bool:
    """India: Verhoeff's check over the whole number."""
    check = 0
    for place, one in enumerate(reversed(digits(text))):
        check = _dihedral(check, _permuted(place, int(one)))
    return check == 0


def _dihedral(one: int, other: int) -> int:
    """Multiply in the group of a pentagon's symmetries."""
    if one < 5 and other < 5:
        return _TIMES[one][other]
    if one < 5:
        return 5 + _TIMES[one][other - 5]
    if other < 5:
        return 5 + (one - 5 - other) % 5
    return (one - other) % 5


def _permuted(times: int, digit: int) -> int:
    for _ in range(times % 8):
        digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
    return digit
