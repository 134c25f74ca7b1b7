"""Formatting of the API's values for people: dates, sizes, words of enumerations."""

import re
from calendar import day_name, month_abbr, month_name
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from retainer.http.forms import list_text, read_list
from retainer.pages.web_address import mail_link, phone_link

SECONDS_A_DAY = 86_400
_RELATIVE = {"today": "today", "-1d": "yesterday", "+1d": "tomorrow", "+7d": "in seven days"}
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
WEEKDAYS, MONTHS, SHORT_MONTHS = tuple(day_name), tuple(month_name), tuple(month_abbr)


def join_words(words: Sequence[str], nothing: str) -> str:
    """Words joined as "name, status and owner"; `nothing` where there are none."""
    if not words:
        return nothing
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def one(noun: str) -> str:
    """Noun with its article: a contact, an organization."""
    article = "a"
    if noun[0] in "aeio":
        article = "an"
    return f"{article} {noun}"


@lru_cache(maxsize=1024, typed=True)  # untyped, True and 1 would share an entry
def label(word: object) -> str:
    """Label for a word of the API: primary_contact → Primary contact, createdAt → Created at."""
    text = re.sub(r"(?<=[a-z])([A-Z])", lambda m: " " + m[1].lower(), str(word)).replace("_", " ")
    return text[:1].upper() + text[1:]


def number(value: int) -> str:
    """Number with separators: 1234567 → 1,234,567."""
    return f"{value:,}"


def size(count: int | None) -> str:
    """Bytes as people say them: 1.4 MB."""
    if count is None:
        return ""
    if count < 1000:
        return f"{count} B"
    factor, unit = next(one for one in _UNITS if count >= one[0])
    amount = count / factor
    digits = int(amount < 10)
    return f"{amount:.{digits}f} {unit}"


def with_present(
    options: Sequence[str | tuple[object, str]], value: object, name: str | None = None
) -> Sequence[str | tuple[object, str]]:
    """Options with the present value before them, if it is none of them: a select that lacks it
    would show another one, and save that.
    """
    text = str(value)
    if value is None or not text or text in map(_option_value, options):
        return options
    if name is None:
        name = label(text)
        if text.isdigit():
            name = f"#{text}"
    return [(text, name), *options]


def _option_value(option: str | tuple[object, str]) -> str:
    if isinstance(option, str):
        return str(option)
    return str(option[0])


def chosen(
    options: Sequence[str | tuple[object, str]], value: str, sets: Mapping[str, str] | None = None
) -> str:
    """Words of the options that a filter has: of one its own, of several their number, unless they
    are one of the named `sets`; "" of none.
    """
    values = set(filter(None, value.split(",")))
    for words, named in (sets or {}).items():
        if set(named.split(",")) == values:
            return words
    if len(values) > 1:
        return str(len(values))
    known = {_option_value(option): option for option in with_present(options, value)}
    option = known.get(value, "")
    return label(option) if isinstance(option, str) else option[1]


@pass_context
def span(
    context: Context,
    given: Mapping[str, str],
    name: str,
    first: str,
    last: str,
    spans: Sequence[tuple[str, Mapping[str, str | None]]] = (),
) -> str:
    """Words of a filter by dates, the parameters `first` and `last` among them: those of the span
    that it equals, else "from 3 Nov until 8 Nov".
    """
    dated = {
        key: value
        for key, value in given.items()
        if key in (first, last) or key.startswith(f"{name}:")
    }
    for words, changes in spans:
        if dated and dated == {key: value for key, value in changes.items() if value}:
            return words
    bounds = {first: "from", f"{name}:gt": "after", f"{name}:lt": "before", last: "until"}
    found = [
        f"{bounds[key]} {_RELATIVE.get(dated[key]) or written_day(dated[key])}"
        for key in bounds
        if key in dated
    ]
    if f"{name}:null" in dated:
        found.append("set" if dated[f"{name}:null"] == "false" else "not set")
    return " ".join(found)


def with_selected(options: Markup, value: object) -> Markup:
    """Rendered options with the one of this value selected."""
    if value is None:
        return options
    written = f'value="{escape(value)}"'
    return Markup(str(options).replace(f"{written} ", f"{written} selected", 1))  # noqa: S704


@pass_context
def when(context: Context, text: str | None) -> Markup | str:
    """Time in a column: "6 d" within a week, then "3 Nov", then "Nov 2025"; in full as a
    tooltip.
    """
    return _moment(context, text, lambda near: near)


@pass_context
def ago(context: Context, text: str | None) -> Markup | str:
    """Time within a sentence: "just now", "6 d ago", "3 Nov"."""
    return _moment(context, text, lambda near: "just now" if near == "now" else f"{near} ago")


def _moment(context: Context, text: str | None, near: Callable[[str], str]) -> Markup | str:
    """Time with its whole text as a tooltip; `near` writes one of the last week."""
    if not text:
        return ""
    moment, opening, on_paper = _in_full(text, _zone(context))
    now = datetime.now(UTC)
    recent = _ago((now - moment).total_seconds())
    if recent:
        shown = f'<span class="on-screen">{near(recent)}</span>'
        shown += f'<span class="on-paper">{on_paper}</span>'
    else:
        shown = _day(moment.date(), now.astimezone(moment.tzinfo).date())
    return Markup(f"{opening}{shown}</time>")  # noqa: S704


@lru_cache(maxsize=4096)
def _in_full(text: str, zone: ZoneInfo) -> tuple[datetime, str, str]:
    """Time in a time zone, the tag that begins it, and its date on paper: what does not change."""
    moment = _local_moment(text, zone)
    on_paper = f"{moment.day} {SHORT_MONTHS[moment.month]} {moment.year}"
    whole = f"{WEEKDAYS[moment.weekday()]}, {moment.day} {MONTHS[moment.month]} {moment.year}, "
    whole += f"{moment.hour:02}:{moment.minute:02} {moment.tzname()}"
    return moment, f'<time datetime="{escape(text)}" title="{escape(whole)}">', on_paper


@pass_context
def until(context: Context, text: str) -> Markup:
    """Time in the future in full, for when something ends."""
    moment = _local_moment(text, _zone(context))
    return Markup('<time datetime="{}">{}</time>').format(
        text, moment.strftime("%A, %-d %B, %H:%M")
    )


@pass_context
def local(context: Context, text: str) -> str:
    """Time as an input of date and time takes it: in the viewer's time zone, to the minute."""
    moment = _local_moment(text, _zone(context))
    return moment.strftime("%Y-%m-%dT%H:%M")


def _local_moment(text: str, zone: ZoneInfo) -> datetime:
    """Time in a time zone; unchanged where that would be past the year 9999."""
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


@pass_context
def day(context: Context, value: date | str | None) -> Markup | str:
    """Date without a time, such as a due date: "Today", "Tomorrow", "3 Nov", "3 Nov 2027". What is
    no date is a refused value that is shown again, as it was typed.
    """
    if not value:
        return ""
    try:
        given, now = date.fromisoformat(str(value)), today(context)
    except ValueError:
        return str(value)
    return _day_of(given, now)


@pass_context
def day_words(context: Context, value: date) -> str:
    """The words of such a date, without its tooltip."""
    return _words_of_day(value, today(context))


@lru_cache(maxsize=4096)
def _day_of(given: date, now: date) -> Markup:
    whole = given.strftime("%A, %-d %B %Y")
    shown = _words_of_day(given, now)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(given, whole, shown)


@lru_cache(maxsize=4096)
def _words_of_day(given: date, now: date) -> str:
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((given - now).days)
    pattern = "%-d %b %Y"
    if given.year == now.year:
        pattern = "%-d %b"
    return near or given.strftime(pattern)


def written_day(value: date | str | None) -> str:
    """Date, or a date with its time, as a field has it in words: "3 Nov 2027, 14:05"."""
    text = str(value or "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    written = f"{moment.day} {SHORT_MONTHS[moment.month]} {moment.year}"
    if "T" in text:
        written += f", {moment.hour:02}:{moment.minute:02}"
    return written


@pass_context
def is_overdue(context: Context, value: date | None) -> bool:
    """True when a date has passed in the viewer's time zone."""
    return value is not None and value < today(context)


@pass_context
def today(context: Context) -> date:
    return datetime.now(_zone(context)).date()


def paragraphs(text: str | None) -> Markup:
    """Markup of text as it was typed: an empty line begins a paragraph, others are line breaks."""
    return Markup("").join(_paragraph(part) for part in re.split(r"\n{2,}", (text or "").strip()))


def _paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(
        Markup("<br>").join(escape(line) for line in text.split("\n"))
    )


def _ago(seconds: float) -> str:
    if -60 < seconds < 60:
        return "now"
    if not 0 < seconds < 7 * SECONDS_A_DAY:
        return ""
    if seconds >= SECONDS_A_DAY:
        return f"{seconds // SECONDS_A_DAY:.0f} d"
    if seconds >= 3600:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 60:.0f} min"


def _day(given: date, now: date) -> str:
    month = SHORT_MONTHS[given.month]
    if abs((now - given).days) < 300:
        return f"{given.day} {month}"
    return f"{month} {given.year}"


def _zone(context: Context) -> ZoneInfo:
    """The viewer's time zone; UTC where nobody is signed in."""
    viewer = context.get("viewer")
    if viewer is None:
        return ZoneInfo("UTC")
    return ZoneInfo(viewer.time_zone)


def field_label(name: str) -> str:
    """Label of a field; of one that names a record, without "id"."""
    if name == "externalId":
        return label(name)
    return label(name.removesuffix("Id"))


@pass_context
def dialled(context: Context, number: str | None) -> str | None:
    """Link that calls a telephone number, as from the viewer's consultancy."""
    viewer = context.get("viewer")
    return phone_link(number, viewer and viewer.country)


FILTERS = {
    "label": label,
    "field_label": field_label,
    "number": number,
    "size": size,
    "when": when,
    "ago": ago,
    "until": until,
    "local": local,
    "day": day,
    "day_words": day_words,
    "with_present": with_present,
    "with_selected": with_selected,
    "chosen": chosen,
    "span": span,
    "written_day": written_day,
    "is_overdue": is_overdue,
    "paragraphs": paragraphs,
    "mail_link": mail_link,
    "phone_link": dialled,
    "list_text": list_text,
    "read_list": read_list,
}
