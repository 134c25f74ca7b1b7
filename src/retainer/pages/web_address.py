"""Addresses of the web as people type them (acme.com, www.acme.com, https://acme.com), and links to
these, to mail and to telephones.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import phonenumbers

# A name with a dot, whose last part is letters, perhaps a port, and the rest of an address.
_BARE = re.compile(
    r"(?://)?((?:[\w-]+\.)+(?:[^\W\d_]{2,}|xn--[\w-]+))\.?"
    r"(:\d{1,5})?([/?#]\S*)?",
    re.IGNORECASE,
)
_FULL = re.compile(r"(https?://[^\s/?#:@]+)\.((?::\d{1,5})?(?:[/?#]\S*)?)", re.IGNORECASE)


def web_address(typed: str) -> str:
    """The address with https:// before it if that is all that it lacks, else as it was typed."""
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


def web_link(url: str) -> str | None:
    """The URL if it is http or https, else None: "javascript:" would run as the reader."""
    if re.match(r"https?://[^\s/]", url, re.IGNORECASE):
        return url
    return None


def mail_link(address: str) -> str:
    """Link that writes to an e-mail address."""
    return "mailto:" + quote(address, safe="@+")


def phone_link(number: str | None, country: str | None = None) -> str | None:
    """Link that calls a telephone number (RFC 3966); None where its digits cannot be told. Without
    a country of its own it is dialled as in `country`, two letters.
    """
    match = _PHONE.fullmatch(unicodedata.normalize("NFKC", number or "").strip())
    if match is None:
        return None
    plus, digits, extension = match["plus"] or "", match["digits"], match["extension"]
    if plus or digits.startswith("00"):
        digits = digits.replace("(0)", "", 1)  # dialled inside the country only
    digits = "".join(str(int(c)) for c in digits if c.isdecimal())
    if not digits:
        return None
    if country and not plus:
        digits = _international(digits, country) or digits
    if extension:
        digits += f";ext={extension}"
    return f"tel:{plus}{digits}"


@lru_cache(maxsize=4096)
def _international(digits: str, country: str) -> str | None:
    """The number with "+" and its country; None for one that only its neighbours or its country
    can dial, such as 117.
    """
    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


# Digits with the punctuation that people write between them, and the extension that some add.
_PHONE = re.compile(
    r"\(?(?P<plus>\+)?(?P<digits>[\d\s()\[\]./\-\u2010-\u2015]+)"
    r"(?:[,;]?\s*(?:ext(?:ension)?\.?|x|#)\s*=?\s*(?P<extension>\d{1,10}))?",
    re.IGNORECASE,
)
