"""What `sojourn.toml` and the environment promise."""

from pathlib import Path

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.settings import OPTIONS, format_duration, load, parse_duration


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sojourn.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_every_option_has_its_default() -> None:
    configuration = load(None, {})
    assert set(configuration.options) == {option.name for option in OPTIONS}
    assert configuration["port"] == 8080
    assert configuration["dedup_window"] == 3_600_000
    assert configuration.sources == ()


def test_the_command_line_beats_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[settings]\nport = 1\nhost = 'file'\nlog_level = 'file'\n")
    environ = {"SOJOURN_PORT": "2", "SOJOURN_HOST": "environment"}
    configuration = load(path, environ, {"port": 3})
    assert configuration["port"] == 3
    assert configuration["host"] == "environment"
    assert configuration["log_level"] == "file"


def test_a_source_takes_the_timeout_of_its_platform_unless_it_has_its_own(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [[sources]]
        name = "Web Shop"
        write_key = "k1"
        [[sources]]
        name = "app"
        write_key = "env:APP_KEY"
        platform = "ios"
        [[sources]]
        name = "kiosk"
        write_key = "k3"
        timeout = "90s"
        max_length = "2h"
        enabled = false
        """,
    )
    shop, app, kiosk = load(path, {"APP_KEY": "k2"}).sources
    assert (shop.id, shop.timeout_ms) == ("web-shop", 1_800_000)
    assert (app.write_key, app.timeout_ms) == ("k2", 300_000)
    assert (kiosk.timeout_ms, kiosk.max_length_ms, kiosk.enabled) == (90_000, 7_200_000, False)


def test_destinations_keep_their_own_options_with_secrets_resolved(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[[destinations]]\nname = "product"\ntype = "amplitude"\napi_key = "env:KEY"\n',
    )
    (destination,) = load(path, {"KEY": "s3cret"}).destinations
    assert (destination.name, destination.type) == ("product", "amplitude")
    assert destination.options == {"api_key": "s3cret"}


def test_secrets_are_resolved_at_any_depth_and_a_missing_one_is_named(tmp_path: Path) -> None:
    text = '[[destinations]]\ntype = "webhook"\nheaders = { Authorization = "env:HOOK_TOKEN" }\n'
    (destination,) = load(written(tmp_path, text), {"HOOK_TOKEN": "Bearer x"}).destinations
    assert destination.options["headers"] == {"Authorization": "Bearer x"}
    with pytest.raises(InvalidSettings, match=r"headers\.Authorization .* HOOK_TOKEN"):
        load(written(tmp_path, text), {})


SOURCE = '[[sources]]\nname = "a"\nwrite_key = "k"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[settings\n", "line 1"),
        ("[settings]\nprot = 1\n", "settings.prot is no setting; there are: data_dir"),
        ("[settings]\nport = 'x'\n", "settings.port is 'x', not a whole number"),
        ("[settings]\nport = -1\n", "must not be negative"),
        ("[settings]\nhost = 7\n", "put it in quotes"),
        ("[settings]\nopen_console = 'maybe'\n", "write true or false"),
        ("[settings]\ndisk_budget = 'lots'\n", "write for example 500MB"),
        ("[settings]\ndedup_window = 'soon'\n", "write for example 30m"),
        ("settings = 3\n", "write [settings]"),
        ("[sources]\nname = 'a'\n", "write [[sources]]"),
        ("[[sources]]\nwrite_key = 'k'\n", "sources[0].name is missing"),
        ("[[sources]]\nname = 'a'\n", "sources[0].write_key is missing"),
        (SOURCE + "platform = 'tv'\n", "must be one of web"),
        (SOURCE + "timeout = 'x'\n", "sources[0].timeout 'x' is not a duration"),
        (SOURCE + "timeout = 0\n", "sources[0].timeout is 0"),
        (SOURCE + "enabled = 'x'\n", "sources[0].enabled"),
        (SOURCE + "color = 'x'\n", "sources[0].color is no key of a source"),
        (SOURCE + '[[sources]]\nname = "b"\nwrite_key = "k"\n', "that of source 'a' too"),
        ('[[sources]]\nname = "a"\nwrite_key = "env:NOPE"\n', "NOPE, which is not set"),
        ("[[destinations]]\nname = 'x'\n", "destinations[0].type is missing"),
        ("[[destinations]]\ntype='x'\n[[destinations]]\ntype='x'\n", "'x' is taken"),
        ("surprise = 1\n", "surprise is no section"),
    ],
)
def test_a_mistake_names_the_key_or_the_line_and_the_fix(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(written(tmp_path, text), {})
    assert said in str(caught.value)
    assert "sojourn.toml" in str(caught.value)


def test_a_missing_file_is_said_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="leave --config out"):
        load(tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize(
    ("written_as", "ms"),
    [
        ("30m", 1_800_000),
        ("24h", 86_400_000),
        ("1.5s", 1500),
        ("500ms", 500),
        (2, 2000),
        ("3d", 259_200_000),
    ],
)
def test_durations_read_as_people_write_them(written_as: str | float, ms: int) -> None:
    assert parse_duration(written_as) == ms
    assert parse_duration(format_duration(ms)) == ms
