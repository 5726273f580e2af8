"""A text that some SDK spread over indices: `{"0": "f", "1": "o", "2": "o"}`."""

from __future__ import annotations

from typing import Any


def join_spread(source: dict[str, Any]) -> str | None:
    """The text, or None if `source` is a plain object.

    The indices start at 0 or 1 and have no gap; every value is one ASCII character.
    """
    if "0" in source:
        first = 0
    elif "1" in source:
        first = 1
    else:
        return None
    letters: list[str] = []
    for index in range(first, first + len(source)):
        letter = source.get(str(index))
        if type(letter) is not str or len(letter) != 1 or not letter.isascii():
            return None
        letters.append(letter)
    return "".join(letters)
