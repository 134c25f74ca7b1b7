"""Bulk writes read by indexes what they write, however small the tables were before."""

import json
from typing import Any

import httpx
import pytest

from support.cast import Cast
from support.server import PASSWORD, Server
from support.sql import Sql

pytestmark = pytest.mark.slow  # a server of its own

ROWS = 1500
NDJSON = {"Content-Type": "application/x-ndjson"}
SCANNED = """
    SELECT relname::text, seq_tup_read::bigint FROM pg_stat_user_tables
    WHERE schemaname = 'public'"""


def lines(path: str, bodies: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps({"method": "POST", "path": path, "body": body}) for body in bodies)


def test_a_bulk_reads_no_table_for_each_of_its_rows(own_database: str) -> None:
    server = Server(
        database_url=own_database, admin_email="root@example.com", admin_password=PASSWORD
    )
    sql = Sql(own_database)
    with httpx.Client(base_url=server.url, timeout=120, trust_env=False) as client:
        ada = Cast(sql, client).ada

        def bulk(path: str, bodies: list[dict[str, Any]]) -> list[int]:
            answer = ada.request("POST", "/api/bulk", content=lines(path, bodies), headers=NDJSON)
            assert answer.status_code == 200, answer.text[:500]
            return [json.loads(line)["body"]["id"] for line in answer.text.splitlines()]

        def organizations(stem: str) -> list[dict[str, Any]]:
            return [
                {"name": f"{stem} {n}", "type": "other", "domains": [f"{stem}{n}.example"]}
                for n in range(ROWS)
            ]

        home = bulk("/api/organizations", [{"name": "Home", "type": "other"}] * 60)[0]
        project = ada.made("/api/projects", organizationId=home, title="P")["id"]
        contact = bulk(
            "/api/contacts",
            [{"fullName": "C", "email": f"c{n}@x.example", "type": "client"} for n in range(60)],
        )[0]
        activities = [{"text": "A", "contactIds": [contact]}] * ROWS
        links = [{"name": "L", "url": "https://x.example", "projectIds": [project]}] * ROWS
        bulk(f"/api/organizations/{home}/activities", activities[:60])
        bulk("/api/documents", links[:60])
        sql.rows("ANALYZE")
        bulk("/api/organizations", organizations("first"))
        bulk("/api/organizations", organizations("second"))
        bulk(f"/api/organizations/{home}/activities", activities)
        bulk("/api/documents", links)
    server.stop()  # its sessions tell what they have read when they end
    read = dict(map(tuple, sql.rows(SCANNED)))
    sql.close()
    assert read["organizations"] >= 0
    assert all(count <= 20 * ROWS for count in read.values()), read
