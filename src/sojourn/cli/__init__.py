"""The command `sojourn`. `main` is its entry point; a mistake ends in one clear sentence."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Exit status: 0, 1 for an error, 2 for wrong usage."""
    try:
        from sojourn.cli.commands import app
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == "sojourn":
            raise
        sys.stderr.write(
            f"The command line needs the package '{error.name}', which is not installed.\n"
            "Install the platform with: pip install 'sojourn[server]'\n"
        )
        sys.exit(1)
    from rich.console import Console
    from rich.markup import escape

    from sojourn.core.errors import SojournError

    try:
        app()
    except SojournError as error:
        said = f"[bold red]Error:[/] {escape(str(error))}"
        Console(stderr=True).print(said, highlight=False, soft_wrap=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # `sojourn export … | head` is no error
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
