"""Streams and polls: changes arrive at viewers who may see them and at nobody else."""

import asyncio
import json
import queue
import secrets
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from retainer.database.pool import connect
from retainer.errors import Unavailable
from retainer.journal.changes import CHANNEL, FIRST_LOOKBACK, MAX_RECORDS, ChangeBuffer, Position
from retainer.journal.live.hub import MAX_STREAMS, MAX_STREAMS_OF_SESSION, Live
from retainer.journal.live.subscriber import Subscriber
from support.cast import Cast, Person
from support.in_process import InProcess
from support.samples import bulk, line
from support.server import PASSWORD, Server
from support.sql import Sql

pytestmark = pytest.mark.slow

WAIT = 20  # seconds, for what must come


class Ear:
    """An open stream and its events in order."""

    def __init__(self, person: Person, *, server: str = "", **headers: str) -> None:
        self.said: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue()
        self.address = server or str(person.client.base_url)
        self.headers = {
            "Cookie": f"connect.sid={person.token}",
            "Accept": "text/event-stream",
        } | headers
        self.client = httpx.Client(timeout=60, trust_env=False)
        self.answered: queue.Queue[httpx.Response] = queue.Queue()
        self.last_id = ""
        threading.Thread(target=self._listen, daemon=True).start()
        self.answer = self.answered.get(timeout=WAIT)
        if self.answer.status_code == 200:
            name, first = self.event()
            assert name == "ready"
            self.mark = first["mark"]

    def _listen(self) -> None:
        try:
            with self.client.stream("GET", f"{self.address}/live", headers=self.headers) as answer:
                if answer.status_code != 200:
                    answer.read()
                self.answered.put(answer)
                name = ""
                for line in answer.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "id":
                        self.last_id = value
                    elif field == "event":
                        name = value
                    elif field == "data":
                        self.said.put((name, json.loads(value)))
        except httpx.HTTPError as error:
            self.said.put(("broken", {"error": repr(error)}))
        finally:
            self.said.put(None)

    def event(self) -> tuple[str, dict[str, Any]]:
        said = self.said.get(timeout=WAIT)
        assert said is not None, "the stream has ended"
        return said

    def until(self, record: str) -> tuple[set[str], list[dict[str, Any]]]:
        """All records and operations received up to a required one."""
        records: set[str] = set()
        operations: list[dict[str, Any]] = []
        while record not in records:
            name, event = self.event()
            assert name == "changed", event
            records |= set(event["records"])
            operations += event["operations"]
        return records, operations

    def ended(self) -> bool:
        """Wait for a clean end of the stream."""
        while (said := self.said.get(timeout=WAIT)) is not None:
            assert said[0] != "broken", said
        return True

    def close(self) -> None:
        """Hang up; closing the client would wait for the thread that reads."""
        if self.answer.status_code == 200 and not self.answer.is_closed:
            self.answer.extensions["network_stream"].get_extra_info("socket").shutdown(
                socket.SHUT_RDWR
            )


@pytest.fixture
def ear(cast: Cast) -> Iterator[Any]:
    """A function that opens streams; they are closed at the end."""
    opened: list[Ear] = []

    def open(person: Person, **how: str) -> Ear:
        opened.append(Ear(person, **how))
        return opened[-1]

    yield open
    for each in opened:
        each.close()


class Channel:
    """The tenants named by each notification that arrived."""

    def __init__(self, sql: Sql, url: str) -> None:
        self.sql = sql
        self.sent: list[list[int]] = []
        self.connection = sql.run(connect(url))
        sql.run(self.connection.add_listener(CHANNEL, self._hear))

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self.sent.append([int(tenant) for tenant in str(payload).split(" ")[1].split(",")])

    def until(self, tenant: int) -> None:
        async def wait() -> None:
            async with asyncio.timeout(WAIT):
                while not any(tenant in tenants for tenants in self.sent):
                    await asyncio.sleep(0.01)

        self.sql.run(wait())


@pytest.fixture
def channel(sql: Sql, server: Server) -> Iterator[Channel]:
    listening = Channel(sql, server.database_url)
    yield listening
    sql.run(listening.connection.close())


def task(cast: Cast, **fields: Any) -> str:
    return f"tasks/{cast.cora.made('/api/tasks', **({'organizationId': cast.acme, 'title': 'T'} | fields))['id']}"


def test_a_change_arrives_with_the_records_that_show_it(cast: Cast, ear: Any) -> None:
    ada = ear(cast.ada)
    assert ada.answer.headers["content-type"] == "text/event-stream"
    assert "no-store" in ada.answer.headers["cache-control"]
    project = cast.cora.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    made = cast.cora.post("/api/tasks", {"projectId": project, "title": "T"})
    answer = ada.until(f"tasks/{made.json()['id']}")
    assert answer[0] == {
        f"projects/{project}",
        f"organizations/{cast.acme}",
        f"tasks/{made.json()['id']}",
    }
    operation = next(
        each for each in answer[1] if each["requestId"] == made.headers["x-request-id"]
    )
    assert operation["actorId"] == cast.cora.id
    assert set(operation["records"]) == answer[0]
    assert cast.ada.get(f"/api/operations/{operation['id']}").status_code == 200


def test_a_change_of_every_noun_arrives(cast: Cast, ear: Any) -> None:
    ada = ear(cast.ada)
    contact = cast.contact("Carl")
    assert f"contacts/{contact}" in ada.until(f"contacts/{contact}")[0]
    cast.cora.made(f"/api/organizations/{cast.globex}/members", contactId=contact, role="member")
    assert ada.until(f"contacts/{contact}")[0] == {
        f"contacts/{contact}",
        f"organizations/{cast.globex}",
    }
    project = cast.cora.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    ada.until(f"projects/{project}")
    form = {"organizationId": str(cast.acme), "projectIds": str(project)}
    file = {"file": ("brief.txt", b"a brief", "text/plain")}
    document = cast.cora.post("/api/documents", files=file, data=form).json()["id"]
    records = {f"documents/{document}", f"organizations/{cast.acme}", f"projects/{project}"}
    assert ada.until(f"documents/{document}")[0] == records
    assert cast.cora.post(f"/api/documents/{document}/versions", files=file).status_code == 200
    assert f"documents/{document}" in ada.until(f"documents/{document}")[0]
    cast.ada.put(f"/api/users/{cast.stan.id}", {"fullName": "Stanley"})
    assert ada.until(f"users/{cast.stan.id}")[0] == {f"users/{cast.stan.id}"}


def test_deletions_and_restorations_arrive(cast: Cast, ear: Any) -> None:
    made = task(cast)
    ada = ear(cast.ada)
    assert cast.cora.delete(f"/api/{made}").status_code == 204
    operation = ada.until(made)[1][0]["id"]
    assert cast.cora.post(f"/api/operations/{operation}/undo").status_code == 200
    ada.until(made)


def test_another_tenant_receives_no_change(cast: Cast, ear: Any) -> None:
    olga, ada = ear(cast.olga), ear(cast.ada)
    ada.until(task(cast))
    own = cast.olga.made("/api/organizations", name="Hers", type="other")["id"]
    assert olga.until(f"organizations/{own}")[0] == {f"organizations/{own}"}


def test_staff_and_guests_receive_only_changes_of_records_they_see(cast: Cast, ear: Any) -> None:
    stan, gita, sam = ear(cast.stan), ear(cast.gita), ear(cast.sam)
    hidden = cast.cora.made(
        "/api/projects", organizationId=cast.acme, title="Hidden", audience="internal"
    )["id"]
    internal = task(cast)
    foreign = task(cast, organizationId=cast.globex, audience="client")
    cast.cora.put(f"/api/organizations/{cast.globex}", {"industry": "Energy"})
    shown = task(cast, audience="client", projectId=hidden)
    acme = f"organizations/{cast.acme}"
    assert stan.until(shown)[0] == {acme, f"projects/{hidden}", internal, shown}
    records, operations = gita.until(shown)
    assert records == {acme, shown}, "an internal project of a task that they see is not named"
    assert operations == [], "guests see no history"
    assigned = task(cast, organizationId=cast.globex, assigneeId=cast.sam.id)
    assert sam.until(assigned)[0] == {assigned}, "the task alone, and not the organization"
    assert foreign not in cast.gita.get("/live", params={"after": gita.mark}).text


def test_a_poll_answers_the_same_changes_as_a_stream(cast: Cast) -> None:
    people = (cast.ada, cast.stan, cast.gita, cast.olga)
    marks = {person.id: cast_mark(person) for person in people}
    internal, shown = task(cast), task(cast, audience="client")
    acme = f"organizations/{cast.acme}"
    answers = [poll(person, marks[person.id]) for person in people]
    assert [each["records"] for each in answers] == [[acme, internal, shown]] * 2 + [
        [acme, shown],
        [],
    ]
    assert [each["nouns"] for each in answers] == [["tasks"]] * 3 + [[]]
    assert [len(each["operations"]) for each in answers] == [2, 2, 0, 0]
    assert poll(cast.ada, answers[0]["mark"])["records"] == [], "nothing twice"


def cast_mark(person: Person) -> str:
    answer = person.get("/live").json()
    assert answer == {"mark": answer["mark"], "records": [], "nouns": [], "operations": []}
    return str(answer["mark"])


def poll(person: Person, mark: str) -> dict[str, Any]:
    answer = person.get("/live", params={"after": mark}, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_changes_of_users_arrive_at_administrators_only(cast: Cast, ear: Any) -> None:
    ada, cora = ear(cast.ada), ear(cast.cora)
    user = cast.ada.made(
        "/api/users", username=f"{secrets.token_hex(6)}@example.com", fullName="U", role="guest"
    )["id"]
    ada.until(f"users/{user}")
    made = task(cast)
    assert cora.until(made)[0] == {f"organizations/{cast.acme}", made}


def test_a_change_of_the_viewers_own_membership_invalidates_everything(
    cast: Cast, ear: Any
) -> None:
    gita, stan = ear(cast.gita), ear(cast.stan)
    cast.cora.made(
        f"/api/organizations/{cast.globex}/members", contactId=cast.gita_contact, role="member"
    )
    assert gita.event()[1] | {"mark": ""} == {
        "mark": "",
        "records": ["*"],
        "nouns": ["*"],
        "operations": [],
    }
    made = task(cast)
    assert stan.until(made)[0] == {f"organizations/{cast.acme}", made}, "of others' nothing"


def test_a_write_that_changes_nothing_sends_nothing(cast: Cast, channel: Channel) -> None:
    body = {"organizationId": cast.acme, "title": "T"}
    first = cast.cora.post("/api/tasks", body, headers={"Idempotency-Key": "one"})
    channel.until(cast.tenant)
    channel.sent.clear()
    again = cast.cora.post("/api/tasks", body, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert cast.cora.post("/api/tasks", body, headers={"Prefer": "dry-run"}).status_code == 200
    assert cast.cora.post("/api/tasks", body | {"assigneeId": cast.olga.id}).status_code == 422
    cast.ada.made("/api/contacts", fullName="C", email="one@example.com", type="client")
    channel.until(cast.tenant)
    channel.sent.clear()
    taken = {"fullName": "C", "email": "one@example.com", "type": "client"}
    assert cast.ada.post("/api/contacts", taken).status_code == 409
    assert cast.ada.get("/api/tasks").status_code == 200
    cast.olga.made("/api/organizations", name="Hers", type="other")
    channel.until(cast.other_tenant)
    assert not any(cast.tenant in tenants for tenants in channel.sent)


def test_many_writes_send_few_notifications(cast: Cast, channel: Channel, ear: Any) -> None:
    ada = ear(cast.ada)
    channel.sent.clear()
    for _ in range(199):
        task(cast)
    ada.until(task(cast))
    assert 0 < len(channel.sent) < 60


def test_very_many_changed_records_are_sent_as_a_wildcard(cast: Cast, ear: Any) -> None:
    ada, gita = ear(cast.ada), ear(cast.gita)
    write = line("POST", "/tasks", {"organizationId": cast.acme, "title": "T"})
    assert bulk(cast.cora, *[write] * (MAX_RECORDS + 1)).status_code == 200
    assert ada.until("*")[0] == {"*"}
    shown = task(cast, audience="client")
    assert gita.until(shown)[0] == {f"organizations/{cast.acme}", shown}, (
        "who saw none of it hears of none"
    )


def test_a_subscriber_that_reconnects_receives_the_missed_changes(cast: Cast, ear: Any) -> None:
    ada = ear(cast.ada)
    ada.until(task(cast))
    last = ada.last_id
    ada.close()
    made = task(cast)
    assert made in ear(cast.ada, **{"Last-Event-ID": last}).until(made)[0]


ACTING = """SELECT set_config('retainer.tenant', $1, {0}), set_config('retainer.operation', '', {0}),
    acting_as(NULL, 'command', 'command', NULL, 'test')"""


async def begun(cast: Cast, url: str, *, savepoint: bool) -> Any:
    """An open transaction that has written, perhaps within a savepoint."""
    connection = await connect(url)
    await connection.execute("BEGIN")
    await connection.fetch(ACTING.format("true"), str(cast.tenant))
    if savepoint:
        # Others begin in between, as they do between a transaction and its parts.
        await connection.execute("SELECT pg_current_xact_id(); SAVEPOINT part")
    await connection.execute(
        "UPDATE organizations SET industry = 'Late' WHERE tenant_id = $1 AND id = $2".replace("$1", str(cast.tenant))
        .replace("$2", str(cast.globex))
    )  # fmt: skip
    if savepoint:
        await connection.execute("RELEASE SAVEPOINT part")
    return connection


@pytest.mark.parametrize("savepoint", [False, True], ids=["as a whole", "in a part"])
def test_an_operation_committed_late_arrives_despite_its_lower_id(
    cast: Cast, ear: Any, server: Server, savepoint: bool
) -> None:
    ada = ear(cast.ada)
    late = cast.sql.run(begun(cast, server.database_url, savepoint=savepoint))
    marks = [ada.mark, cast_mark(cast.ada)]
    for _ in range(5):
        ada.until(task(cast))
        marks.append(poll(cast.ada, marks[-1])["mark"])
    cast.sql.run(late.execute("COMMIT"))
    cast.sql.run(late.close())
    globex = f"organizations/{cast.globex}"
    assert globex in ada.until(globex)[0], (
        "by nobody's notification: the tenant is looked at in any case"
    )
    for mark in marks:
        assert globex in poll(cast.ada, mark)["records"]
    after = poll(cast.ada, poll(cast.ada, marks[-1])["mark"])
    assert after["records"] == []


def test_a_position_from_another_database_or_long_ago_means_anything_changed(cast: Cast) -> None:
    present = Position(*map(int, cast_mark(cast.ada).split("-")))
    foreign = Position(present.floor, present.next, present.until + 1_000_000, present.oldest)
    assert poll(cast.ada, str(foreign))["records"] == ["*"]
    assert poll(cast.ada, str(Position(0, 1, 1, 1)))["records"] != []
    assert present.next - present.floor <= FIRST_LOOKBACK


@pytest.mark.parametrize(
    "mark", ["x", "1-2-3", "1-2-3-4-5", "1-2-3--4", "9" * 19 + "-1-1-1", "١-١-١-١"]
)
def test_a_malformed_position_is_refused(cast: Cast, mark: str) -> None:
    answer = cast.ada.get("/live", params={"after": mark})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "after")


def test_streams_and_polls_are_for_the_signed_in(cast: Cast) -> None:
    assert cast.nobody.get("/live").status_code == 401
    assert cast.nobody.get("/live", headers={"Accept": "text/event-stream"}).status_code == 401
    assert (
        cast.ada.request("HEAD", "/live", headers={"Accept": "text/event-stream"}).status_code
        == 200
    )
    assert cast.ada.get("/live", params={"since": "1"}).status_code == 422


def test_a_stream_ends_with_its_session(cast: Cast, ear: Any) -> None:
    ada, cora, stan = ear(cast.ada), ear(cast.cora), ear(cast.stan)
    assert cast.ada.put(f"/api/users/{cast.stan.id}", {"role": "guest"}).status_code == 200
    assert stan.ended(), "what they may see is another now; they come back as who they are"
    made = task(cast)
    assert cast.cora.post("/api/logout").status_code == 204
    assert cora.ended()
    ada.until(made)
    assert cast.ada.delete(f"/api/users/{cast.ada.id}/sessions").status_code == 204
    assert ada.ended()


def test_a_session_has_at_most_a_few_streams(cast: Cast, ear: Any) -> None:
    opened = [ear(cast.ada) for _ in range(MAX_STREAMS_OF_SESSION)]
    refused = ear(cast.ada)
    assert (refused.answer.status_code, refused.answer.headers["retry-after"]) == (429, "10")
    assert ear(cast.cora).answer.status_code == 200
    assert cast.ada.get("/live").status_code == 200, "a poll is always possible"
    opened[0].close()
    statuses = iter(lambda: ear(cast.ada).answer.status_code, 200)
    assert set(statuses) <= {429}, "once it is seen to be gone, there is a place again"
    opened[1].until(task(cast))


async def opened(server: Server, token: str) -> tuple[int, asyncio.StreamWriter]:
    """A stream whose status is read and nothing else."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"GET /live HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nCookie: connect.sid={token}\r\n\r\n"
    writer.write(head.encode())
    status = (await reader.readline()).split()[1]
    return int(status), writer


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that a test may hurt."""
    running = Server(admin_email="root@example.com", admin_password=PASSWORD, pool_size="4")
    yield running
    running.stop()


@pytest.fixture
def theirs(own: Server) -> Iterator[Cast]:
    """A cast on that server."""
    sql = Sql(own.database_url)
    with httpx.Client(base_url=own.url, timeout=30, trust_env=False) as client:
        yield Cast(sql, client)
    sql.close()


def test_a_process_has_a_limit_of_streams_and_they_hold_no_connection(
    theirs: Cast, own: Server
) -> None:
    people = [
        theirs.person(f"P{n}", "consultant") for n in range(MAX_STREAMS // MAX_STREAMS_OF_SESSION)
    ]

    async def many() -> None:
        streams = [
            await opened(own, str(person.token))
            for person in people
            for _ in range(MAX_STREAMS_OF_SESSION)
        ]
        assert {status for status, _ in streams} == {200}
        refused, writer = await opened(own, str(theirs.ada.token))
        assert refused == 503
        for _, stream in [*streams, (refused, writer)]:
            stream.close()

    theirs.sql.run(many())
    assert theirs.cora.get("/api/organizations").status_code == 200
    sessions = theirs.sql.value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'retainer'"
    )
    assert sessions <= 8, "the pool, the monitor, the indexer, and the test"


def test_changes_without_a_notification_are_found_by_polling(theirs: Cast) -> None:
    ada = Ear(theirs.ada)
    theirs.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $1, true),
               acting_as(NULL, 'command', 'command', NULL, 'test'))
           UPDATE organizations SET industry = 'Quiet' FROM acting WHERE id = $2""",
        str(theirs.tenant), theirs.acme,
    )  # fmt: skip
    records, operations = ada.until(f"organizations/{theirs.acme}")
    assert records == {f"organizations/{theirs.acme}"}
    assert [(each["requestId"], each["actorId"]) for each in operations] == [(None, None)]
    ada.close()


def test_streams_outlast_a_lost_connection_to_the_database(theirs: Cast) -> None:
    ada = Ear(theirs.ada)
    for _ in range(3):
        theirs.sql.rows("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'retainer' AND pid <> pg_backend_pid()""")
        statuses = iter(lambda: theirs.cora.put(f"/api/organizations/{theirs.acme}",
                                                {"industry": secrets.token_hex(4)}).status_code, 200)  # fmt: skip
        assert set(statuses) <= {503}
        ada.until(f"organizations/{theirs.acme}")
    ada.close()


def test_two_processes_receive_each_others_changes(theirs: Cast, own: Server) -> None:
    second = Server(database_url=own.database_url, storage_url=f"file://{own.folder}/documents")
    try:
        with httpx.Client(base_url=second.url, timeout=30, trust_env=False) as there:
            cora = Person(there, theirs.tenant, theirs.cora.id, "", theirs.cora.token)
            here, elsewhere = Ear(theirs.ada), Ear(cora)
            made = f"tasks/{cora.made('/api/tasks', organizationId=theirs.acme, title='T')['id']}"
            here.until(made)
            elsewhere.until(made)
            elsewhere.until(task(theirs))
            here.close()
    finally:
        assert second.stop() == 0
    assert elsewhere.ended()


@pytest.mark.parametrize("workers", ["1", "2"], ids=["one process", "two workers"])
def test_a_stop_ends_the_streams_and_says_so_in_the_log(workers: str) -> None:
    server = Server(
        admin_email="root@example.com", admin_password=PASSWORD, workers=workers, log="requests"
    )
    sql = Sql(server.database_url)
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
        ears = [
            Ear(person)
            for person in vars(Cast(sql, client)).values()
            if isinstance(person, Person) and person.token
        ]
        server.process.send_signal(signal.SIGTERM)
        assert all(each.ended() for each in ears), "as answers that are whole"
        assert server.process.wait(10) == 0
    lines = [
        json.loads(line) for line in server.log.read_text().splitlines() if '"path":"/live"' in line
    ]
    assert [line["status"] for line in lines] == [200] * len(ears)
    assert "Traceback" not in server.log.read_text()
    sql.loop.call_soon_threadsafe(sql.loop.stop)
    shutil.rmtree(server.folder)


def test_a_change_buffer_stays_small() -> None:
    buffer = ChangeBuffer()
    for n in range(10_000):
        more = ChangeBuffer()
        more.add(
            [
                {
                    "operation_id": n,
                    "request_id": "r",
                    "actor_id": 1,
                    "noun": "tasks",
                    "id": n % 7,
                    "entity": "tasks",
                }
            ]
        )
        buffer.merge(more)
    assert buffer.is_all
    assert not buffer.records and not buffer.operations


def test_a_private_view_is_told_to_its_owner_alone_among_those_who_see_everything(
    cast: Cast, ear: Any
) -> None:
    """In either order of opening: they share what a poll read."""
    second = cast.person("Carl", "consultant")
    for owner, colleague in ((cast.cora, second), (second, cast.cora)):
        other, own = ear(colleague), ear(owner)
        view = owner.made("/api/views", noun="organizations", name="Mine", query="")
        shared = cast.ada.made(
            "/api/views", noun="organizations", name=f"All {owner.id}", query="", isShared=True
        )
        own.until(f"views/{view['id']}")
        records, _ = other.until(f"views/{shared['id']}")
        assert f"views/{view['id']}" not in records


def test_a_full_process_ends_the_oldest_stream_of_whoever_has_most(
    cast: Cast, inside: InProcess
) -> None:
    app = inside.app
    hub = Live(app.database, app.sessions, app.log, places=3)

    def subscriber(person: Person) -> Subscriber:
        viewer = inside.sql.run(app.sessions.viewer(str(person.token)))
        return Subscriber(viewer, app.database.of(viewer, "", "live"), app.sessions)

    opened = [subscriber(person) for person in (cast.ada, cast.gita, cast.gita)]
    for each in opened:
        hub.refuse_too_many(each.viewer)
        hub.join(each)
    olga = subscriber(cast.olga)
    hub.refuse_too_many(olga.viewer)
    hub.join(olga)
    assert [each.is_ending for each in (*opened, olga)] == [False, True, False, False]
    with pytest.raises(Unavailable):
        hub.refuse_too_many(subscriber(cast.stan).viewer)
    hub.leave(opened[1])
    assert hub.held.total == 3, "what was taken from it is not given back again"
