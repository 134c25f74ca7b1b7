"""Every setting, from the environment (RETAINER_…); secrets also from a file (RETAINER_…_FILE).

A wrong value or an unknown name refuses to start.
"""

import difflib
import ipaddress
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

PREFIX = "RETAINER_"

T = TypeVar("T")


class ConfigError(Exception):
    """One line for the operator: which setting, what is wrong, what would be right."""


def setting(description: str, default: T, *, secret: bool = False) -> T:
    """A default value, its description noted for `retainer config` and the README."""
    _DECLARED.append((description, secret))
    return default


_DECLARED: list[tuple[str, bool]] = []  # in the order of the fields below


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(msgspec.Struct, kw_only=True, frozen=True):
    """All settings, typed. A name ends with its unit."""

    data: str = setting(
        "data folder: the embedded database, and documents where no other storage is set", ""
    )
    database_url: str = setting(
        "a PostgreSQL of your own (17 or newer), as its owner", "", secret=True
    )
    postgres_bin: str = setting(
        "folder of the PostgreSQL programs, instead of the bundled ones", ""
    )
    user: str = setting(
        "account to switch to when started as root (default: `retainer`, created if missing)", ""
    )
    host: str = setting("address to listen on", "127.0.0.1")
    port: int = setting("port to listen on", 8000)
    workers: int = setting("server processes", 1)
    worker: str = setting(
        "on, or off to run no worker beside this server: indexing, positions, cleaning", "on"
    )
    pool_size: int = setting("database connections per server process", 10)
    connections: int = setting(
        "clients connected at a time per server process, fewer where few files may be open", 4000
    )
    network_connections: int = setting(
        "of these from one network: an IPv4 address, or a /64 of IPv6", 1000
    )
    public_url: str = setting("the address people use, such as https://retainer.example.com", "")
    trusted_proxies: str = setting(
        "proxies whose X-Forwarded-For is believed: addresses or networks, by commas", ""
    )
    allowed_origins: str = setting(
        "other origins whose pages may read and change, such as https://app.example.com, by commas",
        "",
    )
    admin_email: str = setting("first admin's e-mail, when the database is empty", "")
    admin_password: str = setting(
        "first admin's password, when the database is empty", "", secret=True
    )
    tenant: str = setting("first tenant's name, when the database is empty", "Consultancy")
    time_zone: str = setting("first tenant's time zone, when the database is empty", "UTC")
    country: str = setting(
        "first tenant's country, two letters such as CH, when the database is empty", ""
    )
    session_idle_hours: float = setting("a session ends after so long without a request", 24.0)
    session_hours: float = setting("a session ends after so long in any case", 720.0)
    link_hours: float = setting("a single-use link ends after so long", 72.0)
    request_seconds: float = setting("deadline of a request", 10.0)
    body_kb: int = setting("largest JSON body", 1024)
    bulk_mb: int = setting("largest body of many writes", 16)
    upload_mb: int = setting("largest uploaded file", 1024)
    import_mb: int = setting("largest file to import", 200)
    import_rows: int = setting("most rows of a file to import", 500_000)
    storage_url: str = setting(
        "where documents are kept: s3://bucket/prefix, gs://…, az://… (default: data folder)",
        "",
        secret=True,  # it may hold keys
    )
    log: str = setting(
        "what is logged: requests, changes (all but successful reads), errors", "requests"
    )


DEFAULTS = Settings()
DESCRIPTIONS = {
    name: description
    for name, (description, _) in zip(Settings.__struct_fields__, _DECLARED, strict=True)
}
SECRETS = {
    name for name, (_, secret) in zip(Settings.__struct_fields__, _DECLARED, strict=True) if secret
}
# Hours or seconds: neither PostgreSQL nor Python can add more than some millennia to a date.
LONGEST_TIME = 100_000
CHOICES = {"worker": ("on", "off"), "log": ("requests", "changes", "errors")}
STORAGE_SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
BASE_URL_FILE = "address"  # in the data folder: the URL at which the server last started


def load(environment: Mapping[str, str] = os.environ, /, **overrides: str | int | None) -> Settings:
    """Settings of this process; overrides are the command line's and win. Raises ConfigError."""
    values: dict[str, str | int] = dict(_from_environment(environment))
    # `--host $HOST` with an empty variable counts as left out: an empty host would listen
    # everywhere.
    values.update({k: v for k, v in overrides.items() if v is not None and v != ""})
    settings = msgspec.structs.replace(
        DEFAULTS, **{name: _convert(name, value) for name, value in values.items()}
    )
    # In lower case, as browsers write it in Origin.
    settings = msgspec.structs.replace(
        settings,
        public_url=settings.public_url.lower(),
        allowed_origins=settings.allowed_origins.lower(),
    )
    _check(settings)
    return settings


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    values = {
        variable.removeprefix(PREFIX).lower(): value
        for variable, value in environment.items()
        if variable.startswith(PREFIX) and value != ""
    }
    for name in SECRETS:
        path = values.pop(f"{name}_file", None)
        if path is not None:
            values[name] = _read_secret(name, path)
    for name in values:
        if name not in Settings.__struct_fields__:
            raise ConfigError(f"{PREFIX}{name.upper()} is not a setting. {_suggest(name)}")
    return values


def _read_secret(name: str, path: str) -> str:
    variable = f"{PREFIX}{name.upper()}_FILE"
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ConfigError(f"{variable}: cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{variable}: {path} is not text in UTF-8.") from None


def _suggest(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.__struct_fields__, 1)
    if close:
        return f"Did you mean {PREFIX}{close[0].upper()}?"
    return "See: retainer config."


def _convert(name: str, value: str | int) -> str | int | float:
    default = getattr(DEFAULTS, name)
    try:
        if isinstance(default, int):
            return int(value)
        if isinstance(default, float):
            return float(value)
    except ValueError:
        expected = {int: "a whole number", float: "a number"}[type(default)]
        raise ConfigError(f"{PREFIX}{name.upper()} must be {expected}, not {value!r}.") from None
    return str(value)


def _check(settings: Settings) -> None:
    counts = ("workers", "pool_size", "connections", "network_connections")
    for name in (*counts, "body_kb", "bulk_mb", "upload_mb", "import_mb", "import_rows"):
        _require(getattr(settings, name) >= 1, name, "at least 1")
    for name in ("session_idle_hours", "session_hours", "link_hours", "request_seconds"):
        is_possible = 0 < getattr(settings, name) <= LONGEST_TIME
        _require(is_possible, name, f"more than 0, and at most {LONGEST_TIME:,}")
    _require(0 <= settings.port <= 65535, "port", "0 to 65535")
    for name, choices in CHOICES.items():
        _require(getattr(settings, name) in choices, name, f"one of {', '.join(choices)}")
    _require(
        _is_origin(settings.public_url),
        "public_url",
        "an address such as https://retainer.example.com",
    )
    _require(
        all(_is_exact_origin(origin) for origin in origins(settings.allowed_origins)),
        "allowed_origins",
        "origins such as https://app.example.com, without a path, by commas",
    )
    _require(
        _are_networks(settings.trusted_proxies),
        "trusted_proxies",
        "addresses or networks, by commas",
    )
    _require(
        _is_storage(settings.storage_url),
        "storage_url",
        "such as s3://bucket/prefix, gs://bucket or az://container",
    )
    if settings.database_url:
        scheme = settings.database_url.partition(":")[0]
        _require(scheme in ("postgres", "postgresql"), "database_url", "a postgresql:// address")


def _require(holds: bool, name: str, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{PREFIX}{name.upper()} must be {expected}.")


def _is_origin(url: str) -> bool:
    if not url:
        return True
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and parts.path in ("", "/")


def _is_exact_origin(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and origin == f"{parts.scheme}://{parts.netloc}"


@cache
def origins(setting: str) -> frozenset[str]:
    """Origins of a comma-separated setting, as browsers write them in Origin."""
    parts = (part.strip() for part in setting.split(","))
    return frozenset(part for part in parts if part)


def _is_storage(url: str) -> bool:
    if not url or url.startswith("file:///"):
        return True
    parts = urlsplit(url)
    return parts.scheme in STORAGE_SCHEMES and bool(parts.netloc)


def _are_networks(setting: str) -> bool:
    try:
        networks(setting)
    except ValueError:
        return False
    return True


def networks(setting: str) -> list[Network]:
    """Networks of a comma-separated setting. Raises ValueError."""
    parts = [part.strip() for part in setting.split(",")]
    return [ipaddress.ip_network(part, strict=False) for part in parts if part]


def base_url(settings: Settings) -> str:
    """Scheme, host and port of the links that people are given, without a slash at the end."""
    return settings.public_url.rstrip("/") or local_url(settings)


def last_base_url(settings: Settings) -> str:
    """The URL of links that a command prints. It does not know the options that the server was
    started with.
    """
    file = Path(settings.data) / BASE_URL_FILE
    if settings.public_url or not file.exists():
        return base_url(settings)
    return file.read_text()


def local_url(settings: Settings) -> str:
    """URL of the server from this machine."""
    host = settings.host
    if host == "0.0.0.0":  # noqa: S104 -- a server that listens everywhere is found here too
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{settings.port}"


def is_loopback(host: str) -> bool:
    """True when only this machine reaches a server that listens on this host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: what it stands for is not known here


class SettingRow(NamedTuple):
    """A line of `retainer config`. A secret's value is masked."""

    variable: str
    value: str
    source: str
    description: str


def describe(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[SettingRow]:
    """All settings, in their order."""
    rows = []
    for name in Settings.__struct_fields__:
        value = str(getattr(settings, name))
        if name in SECRETS and value:
            value = "********"
        source = _source(settings, name, environment)
        rows.append(SettingRow(PREFIX + name.upper(), value, source, DESCRIPTIONS[name]))
    return rows


def _source(settings: Settings, name: str, environment: Mapping[str, str]) -> str:
    variable = PREFIX + name.upper()
    for source in (variable, f"{variable}_FILE"):
        if environment.get(source):
            return source
    if getattr(settings, name) == getattr(DEFAULTS, name):
        return "default"
    return "command line"
