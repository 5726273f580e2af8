"""One table says what follows from an answer; an error says what it is."""

from __future__ import annotations

import pytest

from sojourn.core.errors import InvalidSettings, LogUnavailable, SojournError, Terminal, Transient
from sojourn.core.outcome import Delivered, Rejected, Retry, outcome_of_status


@pytest.mark.parametrize("status", [200, 204, 299])
def test_any_2xx_is_delivered(status):
    assert outcome_of_status(status) == Delivered()


@pytest.mark.parametrize("status", [408, 429, 500, 503, 599])
def test_what_may_pass_is_tried_again_after_the_wait_asked_for(status):
    assert outcome_of_status(status, "busy", 3.5) == Retry(f"HTTP {status}: busy", 3.5)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413])
def test_every_other_answer_is_final(status):
    assert outcome_of_status(status) == Rejected(f"HTTP {status}")


def test_a_long_answer_is_cut():
    assert len(outcome_of_status(400, "x" * 10_000).why) < 600


def test_an_error_says_what_happened_and_where():
    summary = InvalidSettings.__doc__.splitlines()[0].rstrip(".")
    assert str(InvalidSettings("port: not a number")) == f"{summary}: port: not a number"
    assert str(LogUnavailable()) == LogUnavailable.__doc__.splitlines()[0].rstrip(".")
    assert issubclass(LogUnavailable, Transient)
    assert issubclass(InvalidSettings, Terminal)
    assert LogUnavailable("disk full").detail == "disk full"


def test_an_error_without_a_docstring_still_has_its_detail():
    class Bare(SojournError):
        pass

    assert str(Bare("here")) == "Bare: here"
