//! A meeting for a calendar program (RFC 5545).
//!
//! *Private.* The event says CLASS:PRIVATE and, unless asked for more, only when: calendars are copied to telephones and
//! to whoever serves them. *Both clocks* stand in its description. Recognition words and the fall-back never leave.

use icalendar::{Calendar, Class, Component, Event, EventLike, EventStatus};
use jiff::Timestamp;

use super::meeting::{MeetingShown, WindowShown};
use super::shown::MatterShown;
use super::times::TimeShown;
use crate::words::{Failure, Outcome};

/// What the event tells of the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Only when.
    Bare,
    /// Also what about, where, with whom and the agenda.
    Full,
}

/// A meeting as the text of a calendar file: the agreed window, or each window of the plan as tentative.
pub fn calendar(matter: &MatterShown, detail: Detail) -> Outcome<String> {
    let Some(meeting) = &matter.meeting else {
        return Err(Failure::usage(
            format!("that is a {}, not a meeting", matter.kind),
            "see couloir meeting list",
        ));
    };
    let mut calendar = Calendar::empty();
    for property in [("VERSION", "2.0"), ("PRODID", "-//Couloir//couloir//EN"), ("METHOD", "PUBLISH")] {
        calendar.append_property(property);
    }
    for (number, window) in (1..).zip(windows(meeting)) {
        calendar.push(event(matter, meeting, (number, &window), detail));
    }
    Ok(calendar.to_string())
}

/// When it was held; else the agreed window; else each that is proposed.
fn windows(meeting: &MeetingShown) -> Vec<WindowShown> {
    if let Some(held) = &meeting.held {
        let is_in = |window: &&WindowShown| {
            instant(&window.from) <= instant(&held.at) && instant(&held.at) < instant(&window.until)
        };
        let until = meeting.windows.iter().find(is_in).map_or(&held.at, |window| &window.until);
        return vec![WindowShown { from: held.at.clone(), until: until.clone() }];
    }
    meeting.agreed.as_ref().map_or_else(|| meeting.windows.clone(), |agreed| vec![agreed.window.clone()])
}

fn event(
    matter: &MatterShown,
    meeting: &MeetingShown,
    (number, window): (usize, &WindowShown),
    detail: Detail,
) -> Event {
    let mut event = Event::new();
    event
        // A later file of the same meeting takes the place of an earlier one (RFC 5545 §3.8.7.4).
        .uid(&format!("{}-{number}@couloir.invalid", matter.id))
        .sequence(u32::try_from(matter.steps.len().saturating_sub(1)).unwrap_or(u32::MAX))
        .class(Class::Private)
        .status(status(matter, meeting))
        .add_property("DTSTAMP", utc(&matter.steps.last().map_or(&matter.at, |step| &step.at).at))
        .add_property("DTSTART", utc(&window.from.at))
        .add_property("DTEND", utc(&window.until.at))
        .add_property("TRANSP", "OPAQUE");
    let clocks = format!("{}\n{}", window.from.plain(), window.until.plain());
    match detail {
        Detail::Bare => event.summary(&format!("Couloir {}", matter.cited)).description(&clocks),
        Detail::Full => {
            event.summary(&matter.title).description(&format!("{clocks}\n{}", particulars(meeting)))
        }
    };
    if let (Detail::Full, Some(place)) = (detail, place(meeting)) {
        event.location(&place);
    }
    event.done()
}

fn status(matter: &MatterShown, meeting: &MeetingShown) -> EventStatus {
    match (&meeting.agreed, &meeting.cancelled) {
        (_, Some(_)) => EventStatus::Cancelled,
        (Some(_), None) => EventStatus::Confirmed,
        (None, None) if matter.state == "held" => EventStatus::Confirmed,
        (None, None) => EventStatus::Tentative,
    }
}

fn place(meeting: &MeetingShown) -> Option<String> {
    let agreed = meeting.agreed.as_ref().map(|agreed| &agreed.place);
    let only =
        Some(&meeting.plan.places).filter(|places| places.len() == 1).and_then(|places| places.first());
    let place = agreed.or(only)?;
    Some(format!("{}, {}", place.name, place.city))
}

fn particulars(meeting: &MeetingShown) -> String {
    let who = meeting.plan.participants.iter().map(|who| format!("{} {} {}", who.name, who.role, who.side));
    let agenda = (1..).zip(&meeting.plan.agenda).map(|(number, point)| format!("{number}. {point}"));
    who.chain(agenda).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// `2026-12-01T01:00:00.000Z` as a calendar writes it: `20261201T010000Z`.
fn utc(at: &str) -> String {
    at.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn instant(time: &TimeShown) -> Option<Timestamp> {
    time.at.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::meeting::HeldShown;
    use super::*;

    fn meeting() -> MatterShown {
        serde_json::from_str(include_str!("../../../../../testdata/calendar/meeting.json"))
            .expect("a meeting")
    }

    fn lines(matter: &MatterShown, name: &str) -> Vec<String> {
        let text = calendar(matter, Detail::Bare).expect("a calendar");
        text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    }

    #[test]
    fn a_meeting_that_moves_stays_one_event_of_a_later_sequence() {
        let first = meeting();
        let mut moved = first.clone();
        moved.steps.extend(first.steps.last().cloned());
        if let Some(agreed) = moved.meeting.as_mut().and_then(|meeting| meeting.agreed.as_mut()) {
            agreed.window.from.at = "2030-10-03T01:00:00.000Z".to_owned();
        }
        assert_eq!((lines(&first, "UID:"), lines(&first, "UID:").len()), (lines(&moved, "UID:"), 1));
        assert_ne!(lines(&first, "DTSTART"), lines(&moved, "DTSTART"));
        assert_ne!(lines(&first, "SEQUENCE"), lines(&moved, "SEQUENCE"));
    }

    #[test]
    fn a_meeting_that_was_held_has_the_time_at_which_it_was() {
        let mut held = meeting();
        let at = TimeShown { at: "2030-10-04T01:00:00.000Z".to_owned(), clocks: Vec::new() };
        if let Some(meeting) = &mut held.meeting {
            (meeting.agreed, meeting.held) = (None, Some(HeldShown { at, remark: String::new() }));
        }
        "held".clone_into(&mut held.state);
        assert_eq!(lines(&held, "DTSTART"), ["DTSTART:20301004T010000Z"]);
        assert_eq!(lines(&held, "STATUS"), ["STATUS:CONFIRMED"]);
    }
}
