"""Web addresses as people type them: acme.com, www.acme.com, https://acme.com."""

import re
from typing import Any

# A name with a dot, whose last part is letters, perhaps a port, and the rest of an address.
_BARE = re.compile(
    r"(?://)?(?:www\.(?=[^/?#]+\.))?((?:[\w-]+\.)+(?:[^\W\d_]{2,}|xn--[\w-]+))\.?"
    r"(:\d{1,5})?([/?#]\S*)?",
    re.IGNORECASE,
)
_FULL = re.compile(r"(https?://[^\s/?#:@]+)\.((?::\d{1,5})?(?:[/?#]\S*)?)", re.IGNORECASE)


def web_address(typed: str) -> str:
    """The address with https:// before it, where that is all that it lacks; else as it was typed.

    "www." goes with it, as the name without it is how the organization is known.
    """
    text = typed.strip()
    if bare := _BARE.fullmatch(text):
        return f"https://{bare[1]}{bare[2] or ''}{bare[3] or ''}"
    if full := _FULL.fullmatch(text):  # a dot ends it as it would a sentence
        return full[1] + full[2]
    return typed


def complete_address(sent: dict[str, Any], name: str, present: str | None) -> None:
    """Complete the address that a form sent in this field, unless it is the present one."""
    typed = sent.get(name)
    if isinstance(typed, str) and typed != present:
        sent[name] = web_address(typed)
