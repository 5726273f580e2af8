"""`sojourn accounts`: who may use the console; a way back in for who has lost the password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from sojourn.app.administration import open_administration
from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import console, print_json, print_table

app = typer.Typer(
    name="accounts",
    no_args_is_help=True,
    help="Who may use the console: list, add, change, remove. Works beside a running server.",
)
Name = Annotated[str, typer.Argument(help="Name of the account.")]
Role = Annotated[str, typer.Option(help="`viewer` looks; `admin` changes things, too.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Make up the password and print it, once.")
]


@app.command("list")
def list_accounts(data_dir: DataDir = None, config: Config = None, json: AsJson = False) -> None:
    """List the accounts with their roles."""
    with open_administration(read_configuration(config, data_dir=data_dir)) as run:
        accounts = run("accounts")
    if json:
        for account in accounts:
            print_json(account)
        return
    rows = [(one["name"], one["role"], _day(one["created_at"])) for one in accounts]
    print_table(("name", "role", "since"), rows, title="Accounts")


@app.command()
def add(
    name: Name,
    role: Role = "viewer",
    generate: Generate = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Add an account. Asks for its password, unless told to make one up."""
    with open_administration(read_configuration(config, data_dir=data_dir)) as run:
        password = run("add", name=name, role=role, password=_asked(generate))
    console.print(f"Added {name} ({role}).", highlight=False, markup=False)
    _show(password, generate)


@app.command()
def password(
    name: Name, generate: Generate = False, data_dir: DataDir = None, config: Config = None
) -> None:
    """Give an account a new password. All its logins end."""
    with open_administration(read_configuration(config, data_dir=data_dir)) as run:
        made = run("password", name=name, password=_asked(generate))
    console.print(
        f"{name} has a new password; the logins with the old one have ended.",
        highlight=False,
        markup=False,
    )
    _show(made, generate)


@app.command()
def role(
    name: Name,
    role: Annotated[str, typer.Argument(help="`viewer` or `admin`.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Change what an account may do. The last admin stays one."""
    with open_administration(read_configuration(config, data_dir=data_dir)) as run:
        run("role", name=name, role=role)
    console.print(f"{name} is {role} now.", highlight=False, markup=False)


@app.command()
def remove(name: Name, data_dir: DataDir = None, config: Config = None) -> None:
    """Remove an account; its logins end. The last admin cannot be removed."""
    with open_administration(read_configuration(config, data_dir=data_dir)) as run:
        run("remove", name=name)
    console.print(f"Removed {name}.", highlight=False, markup=False)


def _asked(generate: bool) -> str:
    """A password that somebody types twice, unseen; empty where one is to be made up."""
    if generate:
        return ""
    return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))


def _show(password: str, generate: bool) -> None:
    if generate:
        console.print(f"Password, shown only now: {password}", highlight=False, markup=False)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
