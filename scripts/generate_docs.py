"""Makes the generated parts of the docs anew; `--check` compares instead and exits 1.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import typer.main
from typer.core import TyperGroup

from sojourn.destinations.registry import options_of
from sojourn.pipeline.delivery_settings import DeliverySettings
from sojourn.settings import OPTIONS, format_duration

ROOT = Path(__file__).parent.parent
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings_table() -> str:
    """Every setting, from the one list of them."""
    lines = ["| setting | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for option in OPTIONS:
        default = option.default
        if option.kind == "duration" and not isinstance(default, str):
            default = format_duration(default)
        shown = "" if default == "" else f"`{str(default).lower()}`"
        lines.append(f"| `{option.name}` | `{option.environment_name}` | {shown} | {option.help} |")
    return "\n".join(lines)


def command_help() -> str:
    """What every command says of itself."""
    from sojourn.cli.commands import app

    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return "\n\n".join(_described("sojourn", root.commands))


def _described(prefix: str, commands: Mapping[str, object]) -> list[str]:
    described = []
    for name, command in commands.items():
        context = command.make_context(name, [], resilient_parsing=True)  # type: ignore[attr-defined]
        lines = [f"### `{prefix} {name}`", "", (command.help or "").strip(), ""]  # type: ignore[attr-defined]
        lines += ["| option | meaning |", "| --- | --- |"]
        for parameter in command.get_params(context):  # type: ignore[attr-defined]
            row = parameter.get_help_record(context)
            if row is None:
                row = (parameter.human_readable_name, getattr(parameter, "help", "") or "")
            left, right = (" ".join(str(cell).split()).replace("|", "\\|") for cell in row)
            lines.append(f"| `{left}` | {right} |")
        described.append("\n".join(lines))
        if hasattr(command, "commands"):
            described += _described(f"{prefix} {name}", command.commands)
    return described


def delivery_table() -> str:
    """The settings that every destination has; their docstrings say what they mean."""
    defaults = DeliverySettings()
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, meaning in _attribute_docs(DeliverySettings).items():
        default = getattr(defaults, name)
        shown = "" if default == () else f"`{str(default).lower()}`"
        lines.append(f"| `{name}` | {shown} | {meaning} |")
    return "\n".join(lines)


def _attribute_docs(of: type) -> dict[str, str]:
    body = ast.parse(inspect.getsource(of)).body[0]
    assert isinstance(body, ast.ClassDef)
    documented = {}
    for statement, following in zip(body.body, [*body.body[1:], None], strict=False):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        text = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = " ".join(str(following.value.value).split())
        documented[statement.target.id] = text
    return documented


def destination_table(kind: str) -> str:
    """The settings of one type of destination."""
    lines = ["| setting | meaning |", "| --- | --- |"]
    for option in options_of(kind):
        meaning = option.help + (f" ({', '.join(option.choices)})" if option.choices else "")
        lines.append(f"| `{option.name}`{' (needed)' if option.required else ''} | {meaning} |")
    return "\n".join(lines)


GENERATORS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "commands": command_help,
    "delivery": delivery_table,
    **{
        kind: partial(destination_table, kind)
        for kind in ("amplitude", "mixpanel", "webhook", "transformer")
    },
}


def generated(name: str) -> str:
    """The text of one generated part."""
    return GENERATORS[name]()


def renewed(text: str) -> str:
    """A document with its generated parts made anew."""
    return _PART.sub(lambda part: f"{part[1]}\n{generated(part[2]).strip()}\n\n{part[3]}", text)


def main() -> int:
    """Renew or check every document that has generated parts."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = path.read_text(encoding="utf-8")
        fresh = renewed(text)
        if fresh != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(fresh, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'out of date; run `make docs`' if check else 'renewed'}")  # noqa: T201
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
