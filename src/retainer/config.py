"""Every setting: from the environment (RETAINER_…), secrets also from a file (RETAINER_…_FILE). A
wrong value, or a name nobody knows, refuses to start.
"""

import difflib
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

PREFIX = "RETAINER_"


class ConfigError(Exception):
    """One line for the operator: which setting, what is wrong, what would be right."""


def setting(sentence: str, default: Any, *, secret: bool = False) -> Any:
    """A field with its sentence for `retainer config` and the README."""
    SENTENCES.append((sentence, secret))
    return default


SENTENCES: list[tuple[str, bool]] = []  # in the order of the fields below


class Settings(msgspec.Struct, kw_only=True, frozen=True):
    """All settings, typed; times in the unit their name ends with."""

    data: str = setting(
        "data folder: the embedded database, and documents where no other storage is set", ""
    )
    database_url: str = setting(
        "a PostgreSQL of your own (17 or newer), as its owner", "", secret=True
    )
    postgres_bin: str = setting(
        "folder of the PostgreSQL programs, instead of the bundled ones", ""
    )
    host: str = setting("address to listen on", "127.0.0.1")
    port: int = setting("port to listen on", 8000)
    workers: int = setting("server processes", 1)
    pool_size: int = setting("database connections per server process", 10)
    public_url: str = setting("the address people use, such as https://retainer.example.com", "")
    trusted_proxies: str = setting(
        "proxies whose X-Forwarded-For is believed: addresses or networks, by commas", ""
    )
    admin_email: str = setting("first admin's e-mail, when the database is empty", "")
    admin_password: str = setting(
        "first admin's password, when the database is empty", "", secret=True
    )
    tenant: str = setting("first tenant's name, when the database is empty", "Consultancy")
    time_zone: str = setting("first tenant's time zone, when the database is empty", "UTC")
    session_idle_hours: float = setting("a session ends after so long without a request", 24.0)
    session_hours: float = setting("a session ends after so long in any case", 720.0)
    link_hours: float = setting("a single-use link ends after so long", 72.0)
    request_seconds: float = setting("deadline of a request", 10.0)
    body_kb: int = setting("largest JSON body", 1024)
    bulk_mb: int = setting("largest body of many writes", 16)
    upload_mb: int = setting("largest uploaded file", 1024)
    storage_url: str = setting(
        "where documents are kept: s3://bucket/prefix, gs://…, az://… (default: data folder)", ""
    )
    log: str = setting(
        "what is logged: requests, changes (all but successful reads), errors", "requests"
    )


LONGEST = (
    100_000  # hours or seconds; PostgreSQL and Python have dates for no more than some millennia
)
CHOICES = {"log": ("requests", "changes", "errors")}
STORAGES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
SECRETS = {
    name for name, (_, secret) in zip(Settings.__struct_fields__, SENTENCES, strict=True) if secret
}
WORDS = {
    name: sentence
    for name, (sentence, _) in zip(Settings.__struct_fields__, SENTENCES, strict=True)
}


def load(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """The settings of this process; overrides are the command line's and win. Raises ConfigError."""
    given = {
        k.removeprefix(PREFIX).lower(): v for k, v in environment.items() if k.startswith(PREFIX)
    }
    given = {k: v for k, v in given.items() if v != ""}
    for name in SECRETS & {k.removesuffix("_file") for k in given if k.endswith("_file")}:
        given[name] = _from_file(name, given.pop(f"{name}_file"))
    _refuse_unknown(given)
    # An option left empty ("--host $HOST" without one) is none: an empty host would listen
    # everywhere.
    given.update({k: v for k, v in overrides.items() if v not in (None, "")})
    return _checked({name: _typed(name, value) for name, value in given.items()})


def _from_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ConfigError(
            f"{PREFIX}{name.upper()}_FILE: cannot read {path}: {error.strerror}."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{PREFIX}{name.upper()}_FILE: {path} is not text in UTF-8.") from None


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in given:
        if name not in Settings.__struct_fields__:
            close = difflib.get_close_matches(name, Settings.__struct_fields__, 1)
            hint = (
                f" Did you mean {PREFIX}{close[0].upper()}?" if close else " See: retainer config."
            )
            raise ConfigError(f"{PREFIX}{name.upper()} is not a setting.{hint}")


def _typed(name: str, value: Any) -> Any:
    kind = type(getattr(DEFAULTS, name))
    try:
        return kind(value)
    except ValueError:
        words = {int: "a whole number", float: "a number"}
        raise ConfigError(f"{PREFIX}{name.upper()} must be {words[kind]}, not {value!r}.") from None


DEFAULTS = Settings()


def _checked(values: dict[str, Any]) -> Settings:
    if "public_url" in values:
        values["public_url"] = values["public_url"].lower()  # as browsers write it in Origin
    settings = Settings(**values)
    for name in ("workers", "pool_size", "body_kb", "bulk_mb", "upload_mb"):
        _require(getattr(settings, name) >= 1, name, "at least 1")
    for name in ("session_idle_hours", "session_hours", "link_hours", "request_seconds"):
        _require(
            0 < getattr(settings, name) <= LONGEST, name, f"more than 0, and at most {LONGEST:,}"
        )
    _require(0 <= settings.port <= 65535, "port", "0 to 65535")
    for name, choices in CHOICES.items():
        _require(getattr(settings, name) in choices, name, f"one of {', '.join(choices)}")
    _require(
        _is_origin(settings.public_url),
        "public_url",
        "an address such as https://retainer.example.com",
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
    return settings


def _require(holds: bool, name: str, words: str) -> None:
    if not holds:
        raise ConfigError(f"{PREFIX}{name.upper()} must be {words}.")


def _is_origin(url: str) -> bool:
    parts = urlsplit(url)
    return not url or (
        parts.scheme in ("http", "https") and bool(parts.netloc) and parts.path in ("", "/")
    )


def _is_storage(url: str) -> bool:
    parts = urlsplit(url)
    return (
        not url or (parts.scheme in STORAGES and bool(parts.netloc)) or url.startswith("file:///")
    )


def _are_networks(text: str) -> bool:
    try:
        networks(text)
    except ValueError:
        return False
    return True


def networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks of a comma-separated setting."""
    return [
        ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()
    ]


def address(settings: Settings) -> str:
    """Where people find it."""
    return settings.public_url.rstrip("/") or local_address(settings)


def known_address(settings: Settings) -> str:
    """The same for a command, which need not know the options that the server was started with."""
    file = Path(settings.data) / ADDRESS
    return file.read_text() if not settings.public_url and file.exists() else address(settings)


ADDRESS = "address"  # in the data folder: where the server was found last


def local_address(settings: Settings) -> str:
    """Where it is found on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 -- everywhere is here too
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def described(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> list[tuple[str, str, str, str]]:
    """Each setting for people: its variable, its value (secrets masked), where it is from, its
    sentence.
    """
    rows = []
    for name in Settings.__struct_fields__:
        variable = PREFIX + name.upper()
        value = str(getattr(settings, name))
        source = next((v for v in (variable, f"{variable}_FILE") if environment.get(v)), "")
        if not source:
            source = (
                "default" if getattr(settings, name) == getattr(DEFAULTS, name) else "command line"
            )
        rows.append(
            (variable, "********" if name in SECRETS and value else value, source, WORDS[name])
        )
    return rows
