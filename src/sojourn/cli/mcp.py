"""`sojourn mcp`: the reports for assistants, over the Model Context Protocol (official SDK)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sojourn.app.access import Access, open_access
from sojourn.app.data_directory import DataDirectory
from sojourn.cli.options import Config, DataDir, read_configuration
from sojourn.core.errors import MissingPart
from sojourn.core.ports import Report

INSTRUCTIONS = (
    "Sojourn knows the sessions of people in a web site or app. Call list_reports first; "
    "run_report answers with the definition of its figures, the SQL behind them, the number of "
    "sessions and a link that lists exactly these sessions. Quote figures with their definition."
)


def mcp(data_dir: DataDir = None, config: Config = None) -> None:
    """Serve the reports to assistants over standard input and output (Model Context Protocol).

    Enter in the assistant's configuration: command `sojourn`, arguments `mcp --data-dir DIR`.
    """
    configuration = read_configuration(config, data_dir=data_dir)
    server = DataDirectory(configuration.data_dir).running_server()
    with open_access(configuration) as access:
        build_server(access, server.url if server else "").run("stdio")


def build_server(access: Access, url: str) -> Any:
    """The MCP server over `access`; `url` is the console's, for links to sessions."""
    try:
        from mcp.server import MCPServer
    except ModuleNotFoundError:
        raise MissingPart("the MCP SDK; install it with: pip install 'sojourn[mcp]'") from None
    server = MCPServer("sojourn", instructions=INSTRUCTIONS)

    @server.tool()
    def list_reports() -> list[dict[str, Any]]:
        """The reports there are: name, what their figures mean, their parameters."""
        return [
            {
                "name": spec.name,
                "title": spec.title,
                "definition": spec.definition,
                "parameters": {p.name: p.help for p in spec.parameters},
            }
            for spec in access.reports()
        ]

    @server.tool()
    def run_report(name: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
        """Run one report; parameters are text, as list_reports names them."""
        return answer(access.report(name, parameters or {}), url)

    @server.tool()
    def query(sql: str) -> dict[str, Any]:
        """One read-only SELECT (DuckDB) over the tables: sessions, session_events, and others."""
        found = access.sql(sql)
        return {**found, "sql": sql, "count": len(found["rows"])}

    return server


def answer(report: Report, url: str) -> dict[str, Any]:
    """A report as an assistant gets it: every figure with its definition, SQL, count and link."""
    rows = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    for row, behind in zip(rows, report.sessions, strict=False):
        if behind is not None:
            row["sessions_link"] = f"{url}/sessions?{urlencode(behind)}"
    return {
        "report": report.spec.name,
        "definition": report.spec.definition,
        "count": len(rows),
        "rows": rows,
        "extra": dict(report.extra),
        "sql": report.sql,
    }
