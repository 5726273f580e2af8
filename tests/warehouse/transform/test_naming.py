"""Names of tables and columns."""

from __future__ import annotations

import pytest

from sojourn.warehouse.transform import PROVIDERS
from sojourn.warehouse.transform.naming import Namer, NameRules, snake_case, words_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("orderId", "order_id"),
        ("Cart Value", "cart_value"),
        ("XMLParser", "xml_parser"),
        ("someURL", "some_url"),
        ("macOSRelease", "mac_os_release"),
        ("item_10", "item_10"),
        ("item10", "item10"),
        ("item10Price", "item10_price"),
        ("a1b2c3", "a1_b2_c3"),
        ("3rdPlace", "_3rd_place"),
        ("4K Video", "_4k_video"),
        ("4kVideo", "_4k_video"),
        ("naïve", "na_ve"),
        ("a--b..c", "a_b_c"),
        ("ends_", "ends"),
        ("__dunder__", "__dunder"),
        ("_9lives", "_9lives"),
        ("___", "___"),
        ("日本語", ""),
        ("", ""),
        ("%&/", ""),
    ],
)
def test_a_name_is_the_words_of_a_text(text: str, name: str) -> None:
    assert words_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("item10Price", "item_10_price"),
        ("a1b2", "a_1_b_2"),
        ("3rdPlace", "_3rd_place"),
        ("21ST", "_21st"),
        ("14th", "_14th"),
        ("13th", "_13_th"),
        ("12days", "_12_days"),
    ],
)
def test_numbers_are_words_of_their_own_where_the_setting_says_so(text: str, name: str) -> None:
    assert words_name(text, divide_numbers=True) == name


def test_an_acronym_ends_before_the_capital_of_the_next_word() -> None:
    assert snake_case("HTMLBodyIDs") == "html_body_i_ds"
    assert snake_case("AB") == "ab"
    assert snake_case("ABc") == "a_bc"


def test_reserved_words_get_an_underscore_in_the_provider_that_reserves_them() -> None:
    assert Namer(PROVIDERS["postgres"]).column("Order") == "_order"
    assert Namer(PROVIDERS["snowflake"]).column("order") == "_ORDER"
    assert Namer(PROVIDERS["clickhouse"]).column("order") == "order"
    assert Namer(PROVIDERS["s3_datalake"]).column("timestamp") == "_timestamp"
    assert Namer(PROVIDERS["postgres"]).column("timestamp") == "timestamp"
    assert Namer(PROVIDERS["mssql"]).column("national") == "_national"


def test_reserved_words_are_kept_on_request() -> None:
    assert Namer(PROVIDERS["postgres"], NameRules(keep_reserved=True)).column("order") == "order"


@pytest.mark.parametrize(
    ("words", "count"),
    [("snowflake", 91), ("postgres", 93), ("bigquery", 95), ("redshift", 151), ("mssql", 478)],
)
def test_the_lists_of_reserved_words_are_whole(words: str, count: int) -> None:
    # RudderStack's Redshift list has two more that end in spaces and its SQL Server list two
    # that no name can be.
    found = [p.reserved for p in PROVIDERS.values() if p.reserved_words == words]
    assert found
    assert all(len(reserved) == count for reserved in found)


def test_names_are_cut_to_what_the_provider_takes() -> None:
    long = "x" * 300
    assert len(Namer(PROVIDERS["postgres"]).column(long)) == 63
    assert len(Namer(PROVIDERS["duckdb"]).column(long)) == 63
    assert len(Namer(PROVIDERS["bigquery"]).column(long)) == 127
    assert len(Namer(PROVIDERS["gcs_datalake"]).column(long)) == 300


def test_blendo_casing_splits_no_words() -> None:
    namer = Namer(PROVIDERS["snowflake"], NameRules(blendo=True))
    assert namer.column("camelCase") == "CAMELCASE"
    assert namer.column("9 lives$") == "_9_LIVES$"
    assert namer.event_name(" Order Done! ") == "order done!"
    assert namer.event_table("order done!") == "ORDER_DONE_"


def test_blendo_casing_in_postgres_only_lowers_the_case() -> None:
    namer = Namer(PROVIDERS["postgres"], NameRules(blendo=True))
    assert namer.column("Camel Case$") == "camel case$"
    assert len(namer.column("X" * 70)) == 63


def test_an_event_called_like_a_standard_table_gets_its_own() -> None:
    namer = Namer(PROVIDERS["postgres"])
    assert namer.event_table("tracks") == "_tracks"
    assert namer.event_table("users") == "_users"
    keeping = Namer(PROVIDERS["postgres"], NameRules(keep_reserved=True))
    assert keeping.event_table("tracks") == "tracks"
    assert keeping.event_table("users") == "_users"
    assert namer.event_table(" ") == ""
