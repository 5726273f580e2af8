"""SQL files hold queries by name."""

from sojourn.core.named_queries import parse_queries


def test_a_name_begins_a_query_and_its_semicolon_is_left_out() -> None:
    text = "-- about the file\n-- name: first\n-- why\nSELECT 1;\n\n-- name: second \nSELECT ';';\n"
    assert parse_queries(text) == {"first": "-- why\nSELECT 1", "second": "SELECT ';'"}


def test_a_file_without_names_has_no_queries() -> None:
    assert parse_queries("SELECT 1;") == {}
