"""Names of tables and columns: from any text to what the warehouse takes.

The order of the steps is RudderStack's: runs of ASCII letters and digits, split into words at
changes of case, lower case, joined with `_`; then what the provider asks for (length, case,
reserved words, length again).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sojourn.warehouse.transform.providers import Provider

_RUN = re.compile(r"[A-Za-z0-9]+")
_NOT_BLENDO = re.compile(r"[^a-zA-Z0-9\\$]")
_STARTS_WELL = re.compile(r"[a-zA-Z_]")

# Words as lodash's `snakeCase` takes them, for text that is ASCII letters, digits and `_`.
_LETTERS_AND_DIGITS = r"""
    [A-Z]?[a-z]+(?=[A-Z_]|$)            # a word in lower case, capitalised or not
  | [A-Z]+(?=_|[A-Z][a-z]|$)            # an acronym, up to the capital of the next word
  | [A-Z]?[a-z]+
  | [A-Z]+
  | \d*(?:1ST|2ND|3RD|(?![123])\dTH)(?=\b|[a-z_])
  | \d*(?:1st|2nd|3rd|(?![123])\dth)(?=\b|[A-Z_])
  | \d+
"""
_WORDS_APART_FROM_DIGITS = re.compile(_LETTERS_AND_DIGITS, re.VERBOSE | re.ASCII)
# Digits belong to the letters before them, else to those after.
_WORDS_WITH_DIGITS = re.compile(
    r"[A-Z]?[a-z]+\d+ | [A-Z]+\d+ | \d+[A-Z]?[a-z]+ | \d+[A-Z]+ |" + _LETTERS_AND_DIGITS,
    re.VERBOSE | re.ASCII,
)

STANDARD_TABLES = frozenset(
    ("users", "identifies", "tracks", "pages", "screens", "aliases", "groups", "accounts")
)
"""An event called like one of these gets `_` in front of its table's name."""
_USERS_TABLES = frozenset(("users", "identifies"))


class NameRules(NamedTuple):
    """The settings that names depend on, beside the provider."""

    blendo: bool = False
    """`useBlendoCasing`: lower case, every odd character an `_`, words are not split."""
    divide_numbers: bool = False
    """`underscoreDivideNumbers`: digits are words of their own."""
    keep_reserved: bool = False
    """`skipReservedKeywordsEscaping`: reserved words stay as they are."""


PLAIN = NameRules()


def snake_case(text: str, divide_numbers: bool = False) -> str:
    """`text` (ASCII letters, digits, `_`) in lower-case words joined by `_`."""
    words = _WORDS_APART_FROM_DIGITS if divide_numbers else _WORDS_WITH_DIGITS
    return "_".join(words.findall(text)).lower()


def words_name(text: str, divide_numbers: bool = False) -> str:
    """`text` as a name made of its words. Empty: it leaves nothing."""
    name = snake_case("_".join(_RUN.findall(text)), divide_numbers)
    if text.startswith("_"):
        return text[: len(text) - len(text.lstrip("_"))] + name
    return "_" + name if name[:1].isdigit() else name


def blendo_name(text: str) -> str:
    """`text` in lower case, every odd character an `_`, never starting with a digit or `$`."""
    name = _NOT_BLENDO.sub("_", text)
    return (name if _STARTS_WELL.match(name) else "_" + name).lower()


class Namer:
    """The names of one provider under one set of rules."""

    def __init__(self, provider: Provider, rules: NameRules = PLAIN) -> None:
        self.provider = provider
        self.rules = rules
        self._reserved = frozenset() if rules.keep_reserved else provider.reserved

    def column(self, text: str) -> str:
        """The column for `text`; empty when the text leaves no name."""
        return self.safe(self._plain(text))

    def event_name(self, event: str) -> str:
        """The value of the column `event`: the event's name in words, of any length."""
        if self.rules.blendo:
            return event.lower().strip()
        return words_name(event, self.rules.divide_numbers)

    def event_table(self, event_name: str) -> str:
        """The table of the event with this `event_name`; empty when there is none."""
        if not event_name.strip():
            return ""
        name = self.safe(self._plain(event_name))
        plain = name.lower()
        if plain in _USERS_TABLES or (plain in STANDARD_TABLES and not self.rules.keep_reserved):
            name = "_" + name
        return name

    def _plain(self, text: str) -> str:
        provider = self.provider
        if not self.rules.blendo:
            name = words_name(text, self.rules.divide_numbers)
        elif provider.blendo_keeps_characters:
            name = text.lower()
        else:
            name = blendo_name(text)
        return name[: provider.longest_words] if provider.longest_words else name

    def safe(self, name: str) -> str:
        """A finished name as the provider takes it: its case, no reserved word, its length."""
        provider = self.provider
        if not name:
            return name
        name = provider.cased(name)
        if name.upper() in self._reserved:
            name = "_" + name
        return name[: provider.longest] if provider.longest else name
