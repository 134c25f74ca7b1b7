"""The command line: retainer serve · demo · migrate · tenant · user · documents · config · routes."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import asyncpg
import msgspec

from retainer import __version__, config
from retainer.config import ConfigError, Settings
from retainer.database.migrate import MigrationError, migrate
from retainer.database.pool import Connection, connect
from retainer.errors import Problem
from retainer.identity import passwords
from retainer.identity.users import accounts
from retainer.identity.users.model import UserCreate
from retainer.permissions import PERMISSIONS, PUBLIC, Role
from retainer.records.documents import check
from retainer.routes import ROUTES
from retainer.server import demo, serve
from retainer.server.postgres import embedded
from retainer.server.postgres.programs import EmbeddedError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 with one line on standard error when not."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (ConfigError, MigrationError, EmbeddedError) as error:
        print(f"retainer: {error}", file=sys.stderr)
    except Problem as problem:
        print(f"retainer: {problem.detail}", file=sys.stderr)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"retainer: PostgreSQL refuses: {error.args[0]}.", file=sys.stderr)
    except BrokenPipeError:  # who read our output has had enough
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
    _command(
        commands,
        "demo",
        "the same with demo data, in a data folder of its own",
        run_demo,
        serving=True,
    )
    _command(commands, "migrate", "bring the database's schema up to date", run_migrate)

    _tenant_commands(
        commands.add_parser("tenant", help="tenants").add_subparsers(
            required=True, metavar="command"
        )
    )
    _user_commands(
        commands.add_parser("user", help="users").add_subparsers(required=True, metavar="command")
    )
    documents = commands.add_parser("documents", help="documents").add_subparsers(
        required=True, metavar="command"
    )
    check = _command(
        documents, "check", "compare stored files with their records", run_documents_check
    )
    check.add_argument(
        "--deep", action="store_true", help="read every file and compare its SHA-256"
    )

    _command(
        commands,
        "config",
        "print every setting, its value and where it is from",
        run_config,
        serving=True,
    )
    _command(commands, "routes", "print the sitemap with permissions", run_routes)
    return top


def _tenant_commands(tenant: Any) -> None:
    add = _command(tenant, "add", "add a consultancy and its first admin", run_tenant_add)
    add.add_argument("name")
    add.add_argument("--admin-email", required=True)
    add.add_argument("--time-zone", default="UTC")
    _password_option(add)


def _user_commands(user: Any) -> None:
    add = _command(user, "add", "add a user", run_user_add)
    _tenant_option(add)
    add.add_argument("--email", required=True)
    add.add_argument("--name", required=True)
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--contact", type=int, help="id of the contact this user is")
    _password_option(add)
    link = _command(user, "link", "print a single-use link to set a password", run_user_link)
    link.add_argument("--email", required=True)
    users = _command(user, "list", "list users", run_user_list)
    _tenant_option(users)


def _command(
    commands: Any,
    name: str,
    words: str,
    run: Callable[[argparse.Namespace], Any],
    *,
    serving: bool = False,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words.capitalize() + "."
    )
    command.set_defaults(run=run)
    command.add_argument("--data", metavar="DIR", help="data folder")
    if serving:
        command.add_argument("--host", help="address to listen on")
        command.add_argument("--port", type=int, help="port to listen on")
        command.add_argument("--workers", type=int, help="server processes")
    return command


def _tenant_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tenant", help="name or id of the tenant (not needed while there is one)"
    )


def _password_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from standard input; else a link is printed",
    )


def settings_of(options: argparse.Namespace, **defaults: Any) -> Settings:
    """The settings with the command line's options over them."""
    given = {name: getattr(options, name, None) for name in ("data", "host", "port", "workers")}
    return config.load(
        **defaults, **{name: value for name, value in given.items() if value is not None}
    )


def run_serve(options: argparse.Namespace) -> None:
    serve.serve(settings_of(options))


def run_demo(options: argparse.Namespace) -> None:
    """Demo data never meets real data: it has a folder and a database of its own."""
    settings = demo.settings(settings_of(options))
    data = options.data or str(embedded.default_data("demo"))
    serve.serve(msgspec.structs.replace(settings, data=data), seed=demo.seed, words=demo.WORDS)


def run_migrate(options: argparse.Namespace) -> None:
    with serve.reachable(settings_of(options)) as settings:
        done = asyncio.run(migrate(settings.database_url))
    print("\n".join(done) or "The schema is up to date.")


def run_tenant_add(options: argparse.Namespace) -> None:
    password = read_password(options, options.admin_email)

    async def add(connection: Connection, settings: Settings) -> None:
        tenant = await accounts.create_tenant(connection, options.name, options.time_zone)
        print(f"Tenant {tenant}: {options.name}")
        user = UserCreate(
            options.admin_email, options.admin_email.partition("@")[0].capitalize(), Role.ADMIN
        )
        await _add_user(connection, settings, tenant, user, password)

    with_owner(options, add)


def run_user_add(options: argparse.Namespace) -> None:
    password = read_password(options, options.email)

    async def add(connection: Connection, settings: Settings) -> None:
        tenant = await find_tenant(connection, options.tenant)
        user = UserCreate(options.email, options.name, Role(options.role), options.contact)
        await _add_user(connection, settings, tenant, user, password)

    with_owner(options, add)


async def _add_user(
    connection: Connection, settings: Settings, tenant: int, user: UserCreate, password: str | None
) -> None:
    hashed = await passwords.hashed(password) if password else None
    id = await accounts.create_user(connection, tenant, user, hashed)
    print(f"User {id}: {user.username}, {user.role}")
    if hashed is None:
        await _print_link(connection, settings, tenant, id)


async def _print_link(connection: Connection, settings: Settings, tenant: int, user: int) -> None:
    token = await accounts.make_link(connection, tenant, user, settings.link_hours)
    print(f"Set-up link, good once within {settings.link_hours:g} hours:")
    print(f"{config.known_address(settings)}/setup#token={token}")


def run_user_link(options: argparse.Namespace) -> None:
    async def link(connection: Connection, settings: Settings) -> None:
        row = await connection.fetchrow("SELECT * FROM user_by_username($1)", options.email)
        if row is None:
            raise ConfigError(f"No user is called {options.email}. See: retainer user list")
        await _print_link(connection, settings, row["tenant_id"], row["user_id"])

    with_owner(options, link)


def run_user_list(options: argparse.Namespace) -> None:
    async def show(connection: Connection, settings: Settings) -> None:
        tenant = await find_tenant(connection, options.tenant) if options.tenant else None
        for row in await accounts.list_users(connection, tenant):
            state = "active" if row["is_active"] else "disabled"
            print(
                f"{row['id']:>6}  {row['username']:<40} {row['role']:<11} {state:<9} {row['tenant']}"
            )

    with_owner(options, show)


async def find_tenant(connection: Connection, text: str | None) -> int:
    """The tenant by name or id; the only one when none is named."""
    rows = await connection.fetch("SELECT id, name FROM tenants ORDER BY id")
    matching = [row["id"] for row in rows if text is None or text in (row["name"], str(row["id"]))]
    if len(matching) == 1:
        return int(matching[0])
    names = (
        ", ".join(f"{row['id']} ({row['name']})" for row in rows)
        or "none yet; see: retainer tenant add"
    )
    raise ConfigError(f"Say which tenant with --tenant. There are: {names}.")


def run_documents_check(options: argparse.Namespace) -> int:
    with serve.reachable(settings_of(options)) as settings:
        report = asyncio.run(check.check(settings, deep=options.deep))
    print(report.text())
    return 0 if report.is_sound else 1


def run_config(options: argparse.Namespace) -> None:
    for variable, value, source, words in config.described(settings_of(options)):
        print(f"{variable:<28} {value:<28} {source:<14} {words}")


def run_routes(options: argparse.Namespace) -> None:
    for route in ROUTES:
        who = "anybody" if route.permission == PUBLIC else _roles(route.permission)
        print(f"{route.method:<7} {route.url:<58} {route.permission:<22} {who}")


def _roles(permission: str) -> str:
    roles = PERMISSIONS[permission].roles
    return ", ".join(role.value for role in Role if role in roles)


def read_password(options: argparse.Namespace, email: str) -> str | None:
    """The password from standard input when asked for; None means a link is printed instead."""
    if not options.password_stdin:
        return None
    text = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    problem = passwords.weakness(text, email)
    if problem:
        raise ConfigError(f"The password {problem}.")
    return text


def with_owner(
    options: argparse.Namespace, work: Callable[[Connection, Settings], Awaitable[None]]
) -> None:
    """Run in one transaction on the owner's connection, the schema up to date. Works beside a
    running server: its embedded database is found by its data folder.
    """

    async def inside(settings: Settings) -> None:
        await migrate(settings.database_url, only_if_empty=True)
        connection = await connect(settings.database_url)
        said = StringIO()  # until it is committed
        try:
            with redirect_stdout(said):
                async with connection.transaction():
                    await work(connection, settings)
        finally:
            await connection.close()
        print(said.getvalue(), end="")

    with serve.reachable(settings_of(options)) as settings:
        asyncio.run(inside(settings))


if __name__ == "__main__":
    sys.exit(main())
