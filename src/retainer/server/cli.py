"""The command line, whose commands `retainer --help` lists."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from retainer import __version__, config
from retainer.config import ConfigError, Settings
from retainer.database.migrate import MigrationError, migrate
from retainer.database.pool import Connection, connect
from retainer.database.refusals import UNREPLICATED
from retainer.errors import Problem, Unavailable
from retainer.http.shares.holder import OPERATOR
from retainer.identity import passwords
from retainer.identity.users import accounts
from retainer.identity.users.model import UserCreate
from retainer.permissions import PERMISSIONS, PUBLIC, Role
from retainer.records.documents import check, storage_mark
from retainer.records.documents.storage import Storage
from retainer.routes import ROUTES
from retainer.server import demo, serve
from retainer.server.postgres import embedded
from retainer.server.postgres.programs import EmbeddedError
from retainer.server.worker import command

if TYPE_CHECKING:  # a private name of argparse, and generic for the type checker alone
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when it did what was asked; else 1, with one line on standard
    error.
    """
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (ConfigError, MigrationError, EmbeddedError) as error:
        print(f"retainer: {error}", file=sys.stderr)
    except Problem as problem:
        print(f"retainer: {problem.detail}", file=sys.stderr)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"retainer: PostgreSQL refuses: {error.args[0]}.", file=sys.stderr)
    except BrokenPipeError:  # the reader of our output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        reason = error.strerror or str(error) or "it does not answer"
        print(f"retainer: the database cannot be reached ({reason}).", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="retainer", description="The system of record for a consultancy's clients."
    )
    top.add_argument("--version", action="version", version=f"retainer {__version__}")
    commands = top.add_subparsers(required=True, metavar="command")

    _command(commands, "serve", "start the server (and its database)", run_serve, serving=True)
    demo_help = "the same with demo data, in a data folder of its own"
    _command(commands, "demo", demo_help, run_demo, serving=True)
    command.add_options(_command(commands, "worker", command.HELP, run_worker))
    _command(commands, "migrate", "bring the database's schema up to date", run_migrate)
    _add_tenant_commands(_group(commands, "tenant", "tenants"))
    _add_user_commands(_group(commands, "user", "users"))
    _add_documents_commands(_group(commands, "documents", "documents"))
    config_help = "print every setting, its value and where it is from"
    _command(commands, "config", config_help, run_config, serving=True)
    _command(commands, "routes", "print the sitemap with permissions", run_routes)
    return top


def _group(commands: "Commands", name: str, help: str) -> "Commands":
    return commands.add_parser(name, help=help).add_subparsers(required=True, metavar="command")


def _add_tenant_commands(tenant: "Commands") -> None:
    add = _command(tenant, "add", "add a consultancy and its first admin", run_tenant_add)
    add.add_argument("name")
    add.add_argument("--admin-email", required=True)
    add.add_argument("--time-zone", default="UTC")
    add.add_argument("--country", help="its two letters, such as CH")
    _add_password_option(add)


def _add_user_commands(user: "Commands") -> None:
    add = _command(user, "add", "add a user", run_user_add)
    _add_tenant_option(add)
    add.add_argument("--email", required=True)
    add.add_argument("--name", required=True)
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--contact", type=int, help="id of the contact this user is")
    _add_password_option(add)
    link = _command(user, "link", "print a single-use link to set a password", run_user_link)
    link.add_argument("--email", required=True)
    users = _command(user, "list", "list users", run_user_list)
    _add_tenant_option(users)


def _add_documents_commands(documents: "Commands") -> None:
    check_help = "compare stored files with their records"
    check = _command(documents, "check", check_help, run_documents_check)
    deep_help = "read every file and compare its SHA-256"
    check.add_argument("--deep", action="store_true", help=deep_help)
    adopt_help = "take the storage of the settings for the one of this database"
    _command(documents, "adopt", adopt_help, run_documents_adopt)


def _command(
    commands: "Commands",
    name: str,
    help: str,
    run: Callable[[argparse.Namespace], int | None],
    *,
    serving: bool = False,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=help.capitalize() + ".")
    command.set_defaults(run=run)
    command.add_argument("--data", metavar="DIR", help="data folder")
    if serving:
        command.add_argument("--host", help="address to listen on")
        command.add_argument("--port", type=int, help="port to listen on")
        command.add_argument("--workers", type=int, help="server processes")
    return command


def _add_tenant_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tenant", help="name or id of the tenant (not needed while there is one)"
    )


def _add_password_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from standard input; else a link is printed",
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """Settings with the command line's options over them."""
    names = ("data", "host", "port", "workers")
    return config.load(**{name: getattr(options, name, None) for name in names})


def run_serve(options: argparse.Namespace) -> None:
    settings = settings_of(options)
    if not settings.public_url and not config.is_loopback(settings.host):
        sys.stderr.write(
            f"Warning: {config.PREFIX}PUBLIC_URL is not set, and other machines can reach this"
            " server: links then begin with whatever Host a request names.\n"
        )
    serve.serve(settings)


def run_demo(options: argparse.Namespace) -> None:
    """Serve demo data, in a folder and a database of its own, so that it never meets real data."""
    settings = demo.settings(settings_of(options))
    data = options.data or str(embedded.default_data("demo"))
    if not config.is_loopback(settings.host):
        sys.stderr.write(demo.PUBLISHED_WARNING.format(host=settings.host, port=settings.port))
    serve.serve(
        msgspec.structs.replace(settings, data=data), seed=demo.seed, closing_lines=demo.LOGIN_LINES
    )


def run_worker(options: argparse.Namespace) -> int:
    return command.run(settings_of(options), shows_status=options.status)


def run_migrate(options: argparse.Namespace) -> None:
    with serve.reachable(settings_of(options)) as settings:
        done = asyncio.run(migrate(settings.database_url))
    print("\n".join(done) or "The schema is up to date.")


def run_tenant_add(options: argparse.Namespace) -> None:
    password = read_password(options, options.admin_email, options.name)

    async def add(connection: Connection, settings: Settings) -> None:
        tenant = await accounts.create_tenant(
            connection, options.name, options.time_zone, options.country
        )
        print(f"Tenant {tenant}: {options.name}")
        email = options.admin_email
        user = UserCreate(email, accounts.name_from_email(email), Role.ADMIN)
        await _add_user(connection, settings, tenant, user, password)

    with_owner(options, add)


def run_user_add(options: argparse.Namespace) -> None:
    password = read_password(options, options.email, options.name)

    async def add(connection: Connection, settings: Settings) -> None:
        tenant = await find_tenant(connection, options.tenant)
        user = UserCreate(options.email, options.name, Role(options.role), options.contact)
        await _add_user(connection, settings, tenant, user, password)

    with_owner(options, add)


async def _add_user(
    connection: Connection, settings: Settings, tenant: int, user: UserCreate, password: str | None
) -> None:
    password_hash = None
    if password:
        password_hash = await passwords.hashed(password, OPERATOR)
    id = await accounts.create_user(connection, tenant, user, password_hash)
    print(f"User {id}: {user.username}, {user.role}")
    if password_hash is None:
        await _print_link(connection, settings, tenant, id)


async def _print_link(connection: Connection, settings: Settings, tenant: int, user: int) -> None:
    token = await accounts.make_link(connection, tenant, user, settings.link_hours)
    print(f"Set-up link, good once within {settings.link_hours:g} hours:")
    print(f"{config.last_base_url(settings)}/setup#token={token}")


def run_user_link(options: argparse.Namespace) -> None:
    async def link(connection: Connection, settings: Settings) -> None:
        row = await connection.fetchrow("SELECT * FROM user_by_username($1)", options.email)
        if row is None:
            raise ConfigError(f"No user is called {options.email}. See: retainer user list")
        await _print_link(connection, settings, row["tenant_id"], row["user_id"])

    with_owner(options, link)


def run_user_list(options: argparse.Namespace) -> None:
    async def show(connection: Connection, settings: Settings) -> None:
        tenant = None
        if options.tenant:
            tenant = await find_tenant(connection, options.tenant)
        for row in await accounts.list_users(connection, tenant):
            state = "disabled"
            if row["is_active"]:
                state = "active"
            columns = f"{row['id']:>6}  {row['username']:<40} {row['role']:<11} {state:<9}"
            print(f"{columns} {row['tenant']}")

    with_owner(options, show)


async def find_tenant(connection: Connection, name_or_id: str | None) -> int:
    """The tenant by name or id; without either, the only one. Raises ConfigError."""
    rows = await connection.fetch("SELECT id, name FROM tenants ORDER BY id")
    matching = [
        row["id"]
        for row in rows
        if name_or_id is None or name_or_id in (row["name"], str(row["id"]))
    ]
    if len(matching) == 1:
        return int(matching[0])
    names = ", ".join(f"{row['id']} ({row['name']})" for row in rows)
    if not names:
        names = "none yet; see: retainer tenant add"
    raise ConfigError(f"Say which tenant with --tenant. There are: {names}.")


def run_documents_check(options: argparse.Namespace) -> int:
    with serve.reachable(settings_of(options)) as settings:
        report = asyncio.run(check.check(settings, deep=options.deep))
    print(report.text())
    return int(not report.is_sound)


def run_documents_adopt(options: argparse.Namespace) -> None:
    async def adopt(connection: Connection, settings: Settings) -> None:
        storage = Storage.of(settings)
        await storage_mark.adopt(connection, storage)
        print(f"This database's documents are in {storage.place}.")

    with_owner(options, adopt)


def run_config(options: argparse.Namespace) -> None:
    for variable, value, source, description in config.describe(settings_of(options)):
        print(f"{variable:<28} {value:<28} {source:<14} {description}")


def run_routes(options: argparse.Namespace) -> None:
    for route in ROUTES:
        line = f"{route.method:<7} {route.url:<58} {route.permission:<22}"
        print(f"{line} {_roles(route.permission)}")


def _roles(permission: str) -> str:
    if permission == PUBLIC:
        return "anybody"
    roles = PERMISSIONS[permission].roles
    return ", ".join(role.value for role in Role if role in roles)


def read_password(options: argparse.Namespace, *names: str) -> str | None:
    """The password from standard input when asked for, made of none of the names; None means that
    a link is printed instead.
    """
    if not options.password_stdin:
        return None
    if sys.stdin.isatty():
        password = getpass.getpass()
    else:
        password = sys.stdin.readline().rstrip("\n")
    problem = passwords.weakness(password, *names)
    if problem:
        raise ConfigError(f"The password {problem}.")
    return password


def with_owner(
    options: argparse.Namespace, work: Callable[[Connection, Settings], Awaitable[None]]
) -> None:
    """Run `work` in one transaction on the owner's connection, with the schema up to date. Works
    beside a running server: its embedded database is found by its data folder.

    What `work` prints appears once it is committed.
    """

    async def inside(settings: Settings) -> None:
        await migrate(settings.database_url, only_if_empty=True)
        connection = await connect(settings.database_url)
        output = StringIO()
        try:
            with redirect_stdout(output):
                async with connection.transaction():
                    await work(connection, settings)
        finally:
            await connection.close()
        if connection.is_unreplicated:
            raise Unavailable(UNREPLICATED)
        print(output.getvalue(), end="")

    with serve.reachable(settings_of(options)) as settings:
        asyncio.run(inside(settings))
