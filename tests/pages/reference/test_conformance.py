"""The API against its own OpenAPI document: all checks, as each role and as nobody."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from retainer.routes import ROUTES
from support.cast import Cast
from support.server import Server

pytestmark = pytest.mark.slow

# These end or lock the run's own session, or take its role away. They are tested by name elsewhere.
EXCLUDED = [
    "login",
    "logout",
    "setup",
    "changeOwnPassword",
    "confirmOwnPassword",
    "endOwnSession",
    "endUserSessions",
    "updateUser",
]

# Facts that no schema can express: that a record is there, that dates are in order, that a time zone exists.
JUDGED_BY_THE_DATABASE = [
    "createOrganization", "updateOrganization", "putOrganizationByExternalId", "putOrganizationByDomain",
    "addMember", "createProject", "updateProject", "createTask", "updateTask", "createDocument", "updateDocument",
    "createActivity", "updateActivity", "createDocumentFile", "addDocumentVersion",
    "createContact", "updateContact",  # that metadata has no NUL
    "createUser", "updateUser", "updateOwnUser", "bulk", "undoOperation", "previewUndo",
    "createView", "updateView", "updateTenant",
    # that a file is called as one, and what a decision needs beside it
    "createImport", "updateImport", "decideImportRow", "decideImportRows",
    # that a new record has what it needs
    *(route.name for route in ROUTES if route.creates),
    # that a cursor comes from this list, and that an expression is one
    *(route.name for route in ROUTES if route.lists),
]  # fmt: skip

# A key belongs to one change: drawn ones repeat, and a repeated one is answered with what is gone by now.
HOOKS = """
import json, uuid, schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and key.isascii() and 1 <= len(key.strip()) <= 255:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # The document tells in words what these two do to the items of a list.
    for name in ("fields", "expand"):
        (case.query or {}).pop(name, None)
    # The tool counts as valid what has a valid path beside a header that it made invalid.
    for name in ("If-Match", "If-None-Match"):
        if case.meta and case.meta.generation.mode.is_positive and (case.headers or {}).get(name) in (0, "0"):
            del case.headers[name]

@schemathesis.hook
def after_call(context, case, response):
    # A file comes with its own media type, which the document calls bytes.
    if case.operation.path.endswith("/content") and response.status_code in (200, 206):
        response.headers["content-type"] = ["application/octet-stream"]

@schemathesis.serializer("application/x-ndjson")
def one_line(context, value):
    return json.dumps(value).encode()
"""

CONFIG = """
hooks = "{hooks}"
{auth}
[checks.positive_data_acceptance]  # 412: drawn ETags are not the record's
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]

[phases.stateful.inference]  # guessed links take null for an id; the document has links of its own
algorithms = []

[[operations]]
include-operation-id = {judged}
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "429", "5xx"]
"""


# What is sent is drawn from the document alone, the same for everybody: as who may do everything, all
# of it; as the others, enough to meet what they are shown and refused in each operation.
DRAWN = "examples,fuzzing,stateful"


@pytest.mark.parametrize(
    ("who", "phases", "examples", "least"),
    [
        ("ada", f"coverage,{DRAWN}", 10, 1000),
        ("cora", DRAWN, 3, 300),
        ("stan", DRAWN, 3, 300),
        ("gita", DRAWN, 3, 300),
        ("nobody", "examples,coverage", 3, 1000),
    ],
    ids=["ada", "cora", "stan", "gita", "nobody"],
)
def test_the_api_conforms_to_its_openapi_document(
    server: Server, cast: Cast, who: str, phases: str, examples: int, least: int, tmp_path: Path
) -> None:
    token = getattr(cast, who).token
    auth = f'[auth.openapi."connect.sid"]\napi_key = "{token}"' if token else ""
    config = tmp_path / "schemathesis.toml"
    (tmp_path / "hooks.py").write_text(HOOKS)
    config.write_text(
        CONFIG.format(auth=auth, judged=JUDGED_BY_THE_DATABASE, hooks=tmp_path / "hooks.py")
    )
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config),
        "run", f"{server.url}/api/openapi.json", "--url", f"{server.url}/api",
        "--phases", phases, "--checks", "all",
        "--max-examples", str(examples), "--seed", "1", "--workers", "1", "--no-color", "--request-timeout", "20",
        "--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off",
        *(part for name in EXCLUDED for part in ("--exclude-operation-id", name)),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-12000:] + run.stderr[-2000:]
    generated = re.search(r"(\d+) generated", run.stdout)
    assert generated, run.stdout[-3000:]
    assert int(generated[1]) > least
