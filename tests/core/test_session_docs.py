"""The documentation of the session machine is what its code says."""

from __future__ import annotations

from pathlib import Path

from sojourn.testing import session_docs

DOCS = Path(__file__).parents[2] / "docs" / "session-machine.md"


def test_the_tables_in_the_docs_are_generated_from_the_code():
    text = DOCS.read_text(encoding="utf-8")
    assert text == session_docs.render(text)
    assert text.count("<!-- begin") == 4


def test_the_command_renews_a_file(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("Before\n<!-- begin reasons -->\nto be replaced\n<!-- end reasons -->\nAfter\n")
    assert session_docs.main([str(path)]) == 0
    text = path.read_text()
    assert "| `TIMEOUT` | the last activity is too long ago |" in text
    assert text.startswith("Before\n")
    assert "to be replaced" not in text


def test_every_parameter_is_explained():
    for line in session_docs.render("<!-- begin parameters -->\n<!-- end parameters -->").split(
        "\n"
    ):
        if line.startswith("| `"):
            assert line.split(" | ")[1].strip(), line


def test_the_example_in_the_docs_runs():
    example = DOCS.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(compile(example, str(DOCS), "exec"), {})
