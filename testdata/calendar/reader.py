#!/usr/bin/env python3
"""Reads the calendars that Couloir writes of meeting.json, with software that shares no code with it (PyPI's icalendar)."""

import json
import sys
from datetime import datetime
from pathlib import Path

from icalendar import Calendar

HERE = Path(__file__).parent
SECRETS = ["recognition", "fallback"]


def texts(value):
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def check(name, meeting, is_full):
    octets = (HERE / name).read_bytes()
    assert all(len(line) <= 75 for line in octets.split(b"\r\n")), "a line is longer than 75 octets"
    assert octets.endswith(b"END:VCALENDAR\r\n") and octets.count(b"\n") == octets.count(b"\r\n")
    calendar = Calendar.from_ical(octets)
    assert calendar["VERSION"] == "2.0" and calendar["METHOD"] == "PUBLISH" and calendar["PRODID"]
    assert not calendar.errors
    (event,) = calendar.walk("VEVENT")
    assert not event.errors
    plan, agreed = meeting["meeting"]["plan"], meeting["meeting"]["agreed"]
    begin, end = (datetime.fromisoformat(agreed["window"][key]["at"]) for key in ("from", "until"))
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (begin, end)
    assert event["CLASS"] == "PRIVATE" and event["STATUS"] == "CONFIRMED" and event["UID"] and event["DTSTAMP"]
    assert event["SEQUENCE"] == len(meeting["steps"]) - 1
    for clock in agreed["window"]["from"]["clocks"]:
        assert f"{clock['time']} ({clock['place']})" in event["DESCRIPTION"], clock
    whole = "\n".join(str(value) for _, value in event.property_items())
    for secret in SECRETS:
        assert all(text not in whole for text in texts(plan[secret]["place"] if secret == "fallback" else plan[secret]))
    if is_full:
        assert event["SUMMARY"] == meeting["title"]
        assert event["LOCATION"] == f"{agreed['place']['name']}, {agreed['place']['city']}"
        assert all(point in event["DESCRIPTION"] for point in plan["agenda"])
    else:
        assert event["SUMMARY"] == f"Couloir {meeting['cited']}" and "LOCATION" not in event
        contents = [meeting["title"], *plan["agenda"], *texts(plan["participants"]), *texts(plan["places"])]
        assert all(text not in whole for text in contents if text)


def main():
    meeting = json.loads((HERE / "meeting.json").read_text("utf-8"))
    check("bare.ics", meeting, False)
    check("full.ics", meeting, True)
    print("the calendars are as PyPI's icalendar reads them")


if __name__ == "__main__":
    sys.exit(main())
