"""The recordings of the official SDKs replay without a difference."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from sojourn.core.policy import Policy
from sojourn.core.profiles import PROFILES, WEB, WEB_V1
from sojourn.testing import vector_page, vector_phones, vector_steps, vectors

HERE = Path(__file__).parent
COUNTS = {
    "web": 197,
    "web-legacy": 125,
    "android": 107,
    "ios": 106,
    "ios-v2": 114,
    "react-native": 106,
    "flutter": 108,
    "kotlin": 103,
    "swift": 103,
    "cookies": 20,
}
SCENARIOS = {name: list(vectors.read(HERE / f"{name}.jsonl")) for name in COUNTS}
OPTIONS = frozenset(
    (
        *("auto_track", "timeout_ms", "default_timeout_ms", "cut_off_ms", "lifecycle"),
        *("background_updates", "scenes", "caller_may_override", "keys"),
    )
)
"""What a program chooses, and names of storage: recordings cannot tell these apart."""
UNRECORDED = {"reset_renews_anonymous_id"}
"""Parameters whose effect no recording shows: phones were not asked for their anonymous id."""


@pytest.mark.parametrize("name", COUNTS)
def test_every_recording_replays(name):
    assert len(SCENARIOS[name]) == COUNTS[name]
    found = {one["id"]: vectors.failure(one) for one in SCENARIOS[name]}
    assert {key: value for key, value in found.items() if value} == {}


def replaced(monkeypatch, name, **parameters):
    """One platform with other parameters, for the replays of this test."""
    if name == "web":
        monkeypatch.setattr(vector_page, "WEB", WEB.with_options(**parameters))
    elif name == "web-legacy":
        monkeypatch.setattr(vector_page, "WEB_V1", WEB_V1.with_options(**parameters))
    else:
        changed = {**PROFILES, name: PROFILES[name].with_options(**parameters)}
        monkeypatch.setattr(vector_phones, "PROFILES", changed)


def others(value):
    """The values that a parameter could have instead."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, enum.Enum):
        return [one for one in type(value) if one is not value]
    if isinstance(value, tuple):
        return [one for one in ((), ("version",), ("version", "build")) if one != value]
    return [1000 if value == 1 else 1]


@pytest.mark.parametrize(
    "parameter",
    sorted({field.name for field in fields(Policy)} - OPTIONS - UNRECORDED),
)
def test_every_parameter_is_needed_to_replay_the_recordings(parameter, monkeypatch):
    """Another value of it breaks a recording on some platform: there is no idle parameter."""
    for name in COUNTS:
        if name == "cookies":
            continue
        profile = {"web": WEB, "web-legacy": WEB_V1}.get(name) or PROFILES[name]
        for value in others(getattr(profile, parameter)):
            with monkeypatch.context() as patch:
                replaced(patch, name, **{parameter: value})
                if any(vectors.failure(one) for one in SCENARIOS[name]):
                    return
    pytest.fail(f"no recording needs {parameter}")


def test_no_recording_shows_the_unrecorded_parameters(monkeypatch):
    """If one does some day, the parameter belongs to those that are checked above."""
    for parameter in UNRECORDED:
        for name in ("kotlin", "swift"):
            replaced(monkeypatch, name, **{parameter: False})
            assert not any(vectors.failure(one) for one in SCENARIOS[name])


def run(*files):
    return subprocess.run(
        [sys.executable, "-m", "sojourn.testing.vectors", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_counts_and_ends_well():
    done = run(HERE / "android.jsonl", HERE / "cookies.jsonl")
    assert done.stdout.splitlines()[-2:] == ["0 quirks failed", "127 passed, 0 failed"]
    assert done.returncode == 0


def test_a_difference_is_printed_and_fails(tmp_path, capsys):
    wrong = json.loads(json.dumps(SCENARIOS["android"][0]))
    wrong["steps"][1]["see"]["sessionId"] += 1
    quirk = {**wrong, "id": "a-quirk", "tags": ["js-quirk"]}
    path = tmp_path / "wrong.jsonl"
    path.write_text("\n".join(map(json.dumps, (wrong, quirk, SCENARIOS["android"][1]))))
    assert vectors.main([str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "FAILED wrong.jsonl first-install: step 1 (track at t=1000): "
        "see.sessionId: expected 1700000001, got 1700000000"
    )
    assert lines[-2:] == ["1 quirks failed", "1 passed, 1 failed"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"see": [{"event": "X"}]}, "see[0].event: expected"),
        ({"see": []}, "see: expected []"),
        ({"see_properties": [{"build": 1}]}, "see_properties[0].version: nothing expected"),
        ({"see_properties": [{"more": 1, "build": 1, "version": "1.0.0"}]}, "[0].more: expected 1"),
    ],
)
def test_the_first_difference_is_named_with_its_place(change, message):
    scenario = json.loads(json.dumps(SCENARIOS["android"][0]))
    scenario["steps"][0].update(change)
    assert message in vectors.failure(scenario)


def test_a_call_that_sends_nothing_is_a_difference_where_an_event_is_expected():
    scenario = json.loads(json.dumps(SCENARIOS["web"][0]))
    scenario["steps"] = [step for step in scenario["steps"] if step["do"] != "launch"]
    assert vectors.failure(scenario) is not None


def test_a_scenario_that_cannot_be_played_fails_and_the_others_run(tmp_path, capsys):
    broken = {**SCENARIOS["android"][0], "config": {}}
    path = tmp_path / "broken.jsonl"
    path.write_text(json.dumps(broken) + "\n\n" + json.dumps(SCENARIOS["android"][1]))
    assert vectors.main([str(path)]) == 1
    assert "raised KeyError: 'auto_track'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "line 1: not an object"),
        ('{"id": "x"}', "line 1: a scenario needs `platform`"),
        ('{"id": "x", "cookie": 1}', "a cookie: `cookie` is 1, not of type str"),
        ({"steps": [1]}, "step 0 is not an object"),
        ({"steps": [{"t": 0}]}, "step 0 needs `do`"),
        ({"epoch_ms": True}, "a scenario: `epoch_ms` is True, not of type int"),
        ({"steps": [{"t": 0, "do": "track", "args": 1}]}, "step 0: `args` is 1, not an object"),
    ],
)
def test_a_file_that_holds_no_vectors_is_named_without_a_traceback(tmp_path, capsys, text, message):
    if isinstance(text, dict):
        text = json.dumps({**SCENARIOS["android"][0], **text})
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    assert vectors.main([str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}")
    assert message in error


def test_a_file_that_is_not_there_is_named_and_the_others_are_played():
    done = run("no-such-file.jsonl", HERE / "cookies.jsonl")
    assert (done.returncode, done.stderr) == (
        2,
        "error: no-such-file.jsonl: No such file or directory\n",
    )
    assert done.stdout == "0 quirks failed\n20 passed, 0 failed\n"


def test_a_line_that_cannot_be_read_does_not_hide_the_others(tmp_path, capsys):
    wrong = json.loads(json.dumps(SCENARIOS["android"][0]))
    wrong["steps"][1]["see"]["sessionId"] += 1
    lines = ["{", json.dumps(SCENARIOS["android"][1]), "[]", json.dumps(wrong), "[" * 100_000]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(lines))
    assert vectors.main([str(path)]) == 1
    out, error = capsys.readouterr()
    assert out.splitlines()[-2:] == ["0 quirks failed", "1 passed, 1 failed"]
    assert [line.split(":")[1].split(", ")[1] for line in error.splitlines()] == [
        "line 1",
        "line 3",
        "line 5",
    ]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("android", {"platform": "tv"}, "unknown platform 'tv', not one of web, "),
        ("android", {"do": "fly"}, "step 0: unknown `do` 'fly' on android"),
        ("android", {"do": "reload"}, "step 0: unknown `do` 'reload' on android"),
        ("web", {"do": "opt_out"}, "step 0: unknown `do` 'opt_out' on web"),
        ("web", {"do": "screen"}, "step 0: unknown `do` 'screen' on web"),
        ("web", {"do": "launch", "seen": []}, "step 0: unknown `seen`"),
    ],
)
def test_what_the_replay_does_not_know_is_a_failure(name, change, message):
    scenario = json.loads(json.dumps(SCENARIOS[name][0]))
    if "do" in change:
        scenario["steps"].insert(0, {"t": 0, **change})
    else:
        scenario.update(change)
    assert message in vectors.failure(scenario)


def test_a_number_is_not_taken_for_a_flag():
    step = {"see": {"sessionStart": True}}
    assert vector_steps.difference(step, {"see": {"sessionStart": True}}) is None
    assert "expected true, got 1" in vector_steps.difference(step, {"see": {"sessionStart": 1}})
