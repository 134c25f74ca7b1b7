"""Settings: empty ones, secrets, limits and the public URL."""

import re
from pathlib import Path

import pytest

from retainer import config
from support.server import retainer


@pytest.mark.slow
def test_an_empty_setting_counts_as_unset() -> None:
    assert re.search(
        r"RETAINER_HOST +127\.0\.0\.1 +default", retainer("config", "--host", "").stdout
    )


@pytest.mark.slow
def test_the_config_command_masks_secrets(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2-hunter2\n")
    answer = retainer(
        "config", admin_password_file=str(secret), database_url="postgresql://u:hunter3@h/d"
    )
    assert answer.returncode == 0
    assert "hunter" not in answer.stdout
    assert "RETAINER_ADMIN_PASSWORD_FILE" in answer.stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"session_hours": "inf"}, "RETAINER_SESSION_HOURS must be more than 0"),
        ({"session_hours": "nan"}, "RETAINER_SESSION_HOURS must be more than 0"),
        ({"request_seconds": "1e300"}, "RETAINER_REQUEST_SECONDS must be more than 0"),
    ],
)
def test_an_infinite_timeout_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(config.ConfigError, match=words):
        config.load({f"RETAINER_{name.upper()}": value for name, value in given.items()})


def test_a_public_url_is_stored_as_browsers_write_it() -> None:
    settings = config.load({"RETAINER_PUBLIC_URL": "HTTPS://Retainer.Example.com"})
    assert settings.public_url == "https://retainer.example.com"


def test_the_address_of_the_storage_is_a_secret(tmp_path: Path) -> None:
    """It may hold keys."""
    address = "s3://bucket/x?access_key_id=AK"
    (tmp_path / "storage").write_text(f"{address}\n")
    printed = retainer("config", storage_url_file=str(tmp_path / "storage")).stdout
    assert re.search(r"RETAINER_STORAGE_URL +\*{8} +RETAINER_STORAGE_URL_FILE", printed)
    assert "AK" not in printed
    assert (
        config.load({"RETAINER_STORAGE_URL_FILE": str(tmp_path / "storage")}).storage_url == address
    )
