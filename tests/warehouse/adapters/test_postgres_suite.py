"""PostgreSQL passes the suite for warehouses, on a real server."""

from __future__ import annotations

import pytest

from sojourn.testing.tables_suite import TablesSuite


class TestPostgres(TablesSuite):
    destination_type = "POSTGRES"

    @pytest.fixture
    def new_storage(self, new_database):
        return new_database
