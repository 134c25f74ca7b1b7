"""How pages say what the API answers: dates, sizes, the words of enumerations, initials."""

import re
from calendar import day_name, month_abbr, month_name
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

SECONDS_A_DAY = 86_400
WEEKDAYS, MONTHS, SHORT_MONTHS = tuple(day_name), tuple(month_name), tuple(month_abbr)


def label(word: Any) -> str:
    """primary_contact → Primary contact; createdAt → Created at."""
    return _label(str(word))


@lru_cache(maxsize=1024)
def _label(word: str) -> str:
    text = re.sub(r"(?<=[a-z])([A-Z])", lambda m: " " + m[1].lower(), word).replace("_", " ")
    return text[:1].upper() + text[1:]


def number(value: int) -> str:
    """1234567 → 1,234,567."""
    return f"{value:,}"


def size(count: int | None) -> str:
    """Bytes as people say them: 1.4 MB."""
    if count is None:
        return ""
    power = 0 if count < 1000 else 1 if count < 1e6 else 2 if count < 1e9 else 3
    amount = count / (1, 1e3, 1e6, 1e9)[power]
    return f"{amount:.{int(power > 0 and amount < 10)}f} {('B', 'kB', 'MB', 'GB')[power]}"


def with_selected(options: Markup, value: Any) -> Markup:
    """Options that are written already, with the one of a value selected."""
    if value is None:
        return options
    written = f'value="{escape(value)}"'
    return Markup(str(options).replace(f"{written} ", f"{written} selected", 1))  # noqa: S704


def initials(name: str) -> str:
    """Two letters for a tile."""
    parts: list[str] = re.findall(r"\w+", name)
    letters = parts[0][:1] + parts[1][:1] if len(parts) > 1 else (parts or ["?"])[0][:2]
    return letters.upper()


@pass_context
def when(context: Context, text: str | None) -> Markup | str:
    """A moment: "6 d" within a week, then "3 Nov", then "Nov 2025"; the whole of it in a tooltip."""
    if not text:
        return ""
    moment = _local_moment(context, text)
    now = datetime.now(UTC)
    shown = _ago((now - moment).total_seconds()) or _day(
        moment.date(), now.astimezone(moment.tzinfo).date()
    )
    # By hand: a list has fifty of them, and strftime and a Markup's format took a fifth of its
    # page's time.
    whole = f"{WEEKDAYS[moment.weekday()]}, {moment.day} {MONTHS[moment.month]} {moment.year}, "
    whole += f"{moment.hour:02}:{moment.minute:02} {moment.tzname()}"
    return Markup(f'<time datetime="{escape(text)}" title="{escape(whole)}">{shown}</time>')  # noqa: S704


@pass_context
def until(context: Context, text: str) -> Markup:
    """A moment to come, in full: something ends then."""
    moment = _local_moment(context, text)
    return Markup('<time datetime="{}">{}</time>').format(
        text, moment.strftime("%A, %-d %B, %H:%M")
    )


@pass_context
def local(context: Context, text: str) -> str:
    """A moment as a field for date and time takes it: where the viewer is, to the minute."""
    moment = _local_moment(context, text)
    return moment.strftime("%Y-%m-%dT%H:%M")


def _local_moment(context: Context, text: str) -> datetime:
    """A moment where the viewer is; as it is where that would be a day beyond the last there is."""
    viewer, moment = context.get("viewer"), datetime.fromisoformat(text)
    try:
        return moment.astimezone(_zone(viewer.time_zone if viewer else "UTC"))
    except OverflowError:
        return moment


@pass_context
def day(context: Context, text: str | None) -> Markup | str:
    """A date without a time, such as a due date: "Today", "Tomorrow", "3 Nov", "3 Nov 2027"."""
    if not text:
        return ""
    given, now = date.fromisoformat(text), today(context)
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((given - now).days)
    page = near or given.strftime("%-d %b" if given.year == now.year else "%-d %b %Y")
    whole = given.strftime("%A, %-d %B %Y")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, whole, page)


@pass_context
def is_overdue(context: Context, text: str | None) -> bool:
    """Whether a date has passed, where the viewer is."""
    return bool(text) and date.fromisoformat(str(text)) < today(context)


@pass_context
def today(context: Context) -> date:
    viewer = context.get("viewer")
    return datetime.now(_zone(viewer.time_zone if viewer else "UTC")).date()


def paragraphs(text: str | None) -> Markup:
    """Text as it was typed: empty lines part paragraphs, others break."""
    return Markup("").join(_paragraph(part) for part in re.split(r"\n{2,}", (text or "").strip()))


def _paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(
        Markup("<br>").join(escape(line) for line in text.split("\n"))
    )


def is_web(address: str | None) -> bool:
    """Whether a page may link it: only http and https; anything else could run as the reader."""
    return bool(address and re.match(r"https?://[^\s/]", address, re.IGNORECASE))


def mail_link(address: str) -> str:
    """Writes to an e-mail address."""
    return "mailto:" + quote(address, safe="@+")


def phone_link(number: str | None) -> str | None:
    """Calls a telephone number."""
    return "tel:" + quote(re.sub(r"\s", "", number), safe="+") if number else None


def _ago(seconds: float) -> str:
    if -60 < seconds < 60:
        return "now"
    if 0 < seconds < 7 * SECONDS_A_DAY:
        return next(
            f"{seconds // n:.0f} {u}"
            for n, u in ((SECONDS_A_DAY, "d"), (3600, "h"), (60, "min"))
            if seconds >= n
        )
    return ""


def _day(given: date, now: date) -> str:
    month = SHORT_MONTHS[given.month]
    return f"{given.day} {month}" if abs((now - given).days) < 300 else f"{month} {given.year}"


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


FILTERS = {
    "label": label,
    "number": number,
    "size": size,
    "initials": initials,
    "when": when,
    "until": until,
    "local": local,
    "day": day,
    "with_selected": with_selected,
    "is_overdue": is_overdue,
    "paragraphs": paragraphs,
    "is_web": is_web,
    "mail_link": mail_link,
    "phone_link": phone_link,
}
