from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from schemas.cron import cron_trigger, time_zone

# A Thursday.
START = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def times(expression: str, name: str = "UTC", count: int = 4, start: datetime = START) -> list[str]:
    """The next times, as their own zone's clock shows them."""
    trigger, found = cron_trigger(expression, name), []
    now = start
    for _ in range(count):
        now = trigger.get_next_fire_time(None, now + timedelta(seconds=1))
        found.append(f"{now:%a %d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 3 * * *", ["Fri 02 03:00", "Sat 03 03:00", "Sun 04 03:00", "Mon 05 03:00"]),
        ("*/20 * * * *", ["Thu 01 12:20", "Thu 01 12:40", "Thu 01 13:00", "Thu 01 13:20"]),
        ("0 3 * * 1-5", ["Fri 02 03:00", "Mon 05 03:00", "Tue 06 03:00", "Wed 07 03:00"]),
        ("0 3 * * 0", ["Sun 04 03:00", "Sun 11 03:00", "Sun 18 03:00", "Sun 25 03:00"]),
        ("0 3 * * 7", ["Sun 04 03:00", "Sun 11 03:00", "Sun 18 03:00", "Sun 25 03:00"]),
        ("0 3 * * 5-7", ["Fri 02 03:00", "Sat 03 03:00", "Sun 04 03:00", "Fri 09 03:00"]),
        ("0 3 * * fri-SUN", ["Fri 02 03:00", "Sat 03 03:00", "Sun 04 03:00", "Fri 09 03:00"]),
        ("0 3 * * */2", ["Sat 03 03:00", "Sun 04 03:00", "Tue 06 03:00", "Thu 08 03:00"]),
        ("0 3 * * sat,1", ["Sat 03 03:00", "Mon 05 03:00", "Sat 10 03:00", "Mon 12 03:00"]),
        ("0 0 8 * 1", ["Mon 05 00:00", "Thu 08 00:00", "Mon 12 00:00", "Mon 19 00:00"]),
    ],
)
def test_times_are_those_of_cron(expression: str, expected: list[str]) -> None:
    """Days of the week count from Sunday, and a day of the month beside one of the week means either."""
    assert times(expression) == expected


def test_a_time_zone_has_its_own_clock() -> None:
    """3 o'clock in Berlin stays 3 o'clock where summer time begins."""
    before = datetime(2026, 3, 28, 12, tzinfo=timezone.utc)
    assert times("30 3 * * *", "Europe/Berlin", 2, before) == ["Sun 29 03:30", "Mon 30 03:30"]
    trigger = cron_trigger("30 3 * * *", "Europe/Berlin")
    assert trigger.get_next_fire_time(None, before).astimezone(timezone.utc).hour == 1


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("0 3 * *", "4 fields where there are five"),
        ("0 25 * * *", "higher than the maximum value"),
        ("0 3 * * 8", "'8' is no day of the week: 0 to 7"),
        ("0 3 * * fri-mon", "'fri-mon' is no day of the week, nor a range of them"),
        ("0 3 * * */0", "'*/0' is no day of the week"),
        ("every day at 3 o'clock", "day"),
    ],
)
def test_what_is_no_expression_is_refused(expression: str, told: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(ValueError, match=r".") as refusal:
        cron_trigger(expression, "UTC")
    assert told in str(refusal.value)


def test_an_unknown_time_zone_is_refused() -> None:
    """By name."""
    with pytest.raises(ValueError, match="no time zone is named 'Mars/Base'"):
        time_zone("Mars/Base")
