"""Times as cron states them: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

from datetime import timezone as fixed
from datetime import tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUM_FIELDS = 5


def time_zone(name: str) -> tzinfo:
    """The time zone of one of IANA's names; UTC is known also where the system has no table of them.

    Raises:
      ValueError: there is none of that name.
    """
    if name == "UTC":
        return fixed.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"no time zone is named {name!r}") from error


def cron_trigger(expression: str, timezone: str) -> BaseTrigger:
    """APScheduler's trigger for an expression, as cron means it.

    APScheduler counts days of the week from Monday, cron from Sunday; where day of the month and of the week are both
    stated, cron asks for either, APScheduler for both (https://man7.org/linux/man-pages/man5/crontab.5.html).

    Args:
      expression: five fields, such as `0 3 * * mon-fri`.
      timezone: of IANA's names, such as Europe/Berlin.

    Raises:
      ValueError: it is no such expression, or there is no such time zone.
    """
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != _NUM_FIELDS:
        raise ValueError(f"{len(fields)} fields where there are five: minute, hour, day, month, day of the week")
    minute, hour, day, month, weekday = fields
    days_of_week = "*" if weekday == "*" else ",".join(_weekdays(weekday))
    either = not day.startswith("*") and not weekday.startswith("*")
    zone = time_zone(timezone)
    triggers = [
        CronTrigger(minute=minute, hour=hour, day=of_month, month=month, day_of_week=of_week, timezone=zone)
        for of_month, of_week in ([(day, "*"), ("*", days_of_week)] if either else [(day, days_of_week)])
    ]
    return OrTrigger(triggers) if either else triggers[0]


def _weekdays(field: str) -> list[str]:
    """The names of the days that a field like `5-7`, `*/2` or `mon,3` means."""
    found: set[int] = set()
    for item in field.lower().split(","):
        days, _, step = item.partition("/")
        first, _, last = ("0-6" if days == "*" else days).partition("-")
        start, end = _weekday(first), _weekday(last or ("6" if step else first))
        if last == "sun":
            end = len(_DAYS)
        if end < start or not (step or "1").isdigit() or step == "0":
            raise ValueError(f"{item!r} is no day of the week, nor a range of them")
        found.update(number % len(_DAYS) for number in range(start, end + 1, int(step or 1)))
    return [_DAYS[number] for number in sorted(found)]


def _weekday(name: str) -> int:
    if name in _DAYS:
        return _DAYS.index(name)
    if name.isdigit() and int(name) <= len(_DAYS):
        return int(name)
    raise ValueError(f"{name!r} is no day of the week: 0 to 7 (0 and 7 are Sunday), or {', '.join(_DAYS)}")
