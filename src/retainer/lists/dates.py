"""Days and moments as the URL writes them: 2026-01-31, today, -30d, -12h, or a timestamp."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# RFC 3339. In a query string that was not percent-encoded, the plus of an offset means a space.
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+ -]\d\d:\d\d)", re.ASCII
)
_RELATIVE = re.compile(r"([+ -])(\d{1,4})([hdwmy])", re.ASCII)
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"m": 1, "y": 12}


class BadValue(Exception):
    """A mistake in a parameter. The message follows the parameter's name: `must not be empty`."""


class Context(NamedTuple):
    """The moment and the time zone that relative dates, such as -30d, refer to."""

    now: datetime
    zone: str

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()


def day(value: str, context: Context) -> date:
    """A day: 2026-01-31, today, or a distance from today in days, weeks, months or years: -30d."""
    if value == "today":
        return context.today
    if (match := _RELATIVE.fullmatch(value)) and match[3] != "h":
        return _shifted(context.today, match)
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # such as 30 February
    raise BadValue(
        f'must be a date such as 2026-01-31, or such as today, -30d or +2w, not "{value[:40]}"'
    )


def moment(value: str, context: Context) -> datetime:
    """A moment: a timestamp (RFC 3339), hours from now (-12h), or a day as `day` takes it, which
    stands for its midnight in the viewer's time zone.
    """
    try:
        if (match := _RELATIVE.fullmatch(value)) and match[3] == "h":
            return context.now + timedelta(hours=_signed(match))
        if _TIMESTAMP.fullmatch(value):
            return msgspec.convert(value.replace(" ", "+"), datetime).astimezone(UTC)
        return _midnight(day(value, context), context)
    except (ValueError, OverflowError, msgspec.ValidationError, BadValue):
        raise BadValue(
            "must be a time such as 2026-01-31T09:30:00Z, a date such as 2026-01-31,"
            f' or such as today, -30d or -12h, not "{value[:40]}"'
        ) from None


def end_of_day(value: str, context: Context) -> datetime | None:
    """The midnight that ends the day that a value names; None where it names a moment. As an upper
    bound a day includes all of itself.
    """
    try:
        found = day(value, context)
    except BadValue:
        return None
    if found == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return _midnight(found + timedelta(days=1), context)


def _midnight(day: date, context: Context) -> datetime:
    """The beginning of a day in the viewer's time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(context.zone)).astimezone(UTC)


def _signed(relative: re.Match[str]) -> int:
    """The number of a relative date. A plus may have become a space, as in a timestamp."""
    number = int(relative[2])
    if relative[1] == "-":
        return -number
    return number


def _shifted(day: date, relative: re.Match[str]) -> date:
    number, unit = _signed(relative), relative[3]
    try:
        if unit in _DAYS:
            return day + timedelta(days=number * _DAYS[unit])
        months = day.year * 12 + day.month - 1 + number * _MONTHS[unit]
        first = date(months // 12, months % 12 + 1, 1)
        # A month after 31 January is the last day of February.
        return first + timedelta(days=min(day.day, _days_in_month(first)) - 1)
    except (ValueError, OverflowError):
        raise BadValue("must not be so far away") from None


def _days_in_month(first: date) -> int:
    return ((first + timedelta(days=31)).replace(day=1) - first).days
