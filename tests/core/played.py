"""The session machine, played."""

from __future__ import annotations

from sojourn.core.session import NEW, Launch, step

T0 = 1_700_000_000_000
MINUTE = 60_000
LAUNCH = Launch("anonymous", "1.0", 7)


def play(policy, *script, state=NEW):
    """Plays (minutes, input) pairs; returns the state and the last effect."""
    effect = None
    for minutes, given in script:
        state, effect = step(state, given, T0 + int(minutes * MINUTE), policy)
    return state, effect


def stamp(effect):
    return effect.session_id, effect.session_start
