//! Everything that an entry says in words: what search looks in.

use couloir_seal::record::unproven_texts;
use couloir_wire::entry::{
    AnnouncementAct, Body, Bundle, CaseAct, CaseFile, MeetingAct, Person, Place, Plan, PublicLine, Publicity,
    ReportAct, SwapAct,
};
use serde_json::Value;

/// Every text of it, one a line, up to a bound. What a swap reveals is not among them: it is read where
/// it may be.
pub fn texts(body: &Body) -> String {
    let mut texts = Texts(String::new());
    texts.add_body(body);
    texts.0
}

struct Texts(String);

impl Texts {
    fn add(&mut self, text: &str) {
        let room = TEXT_OCTETS_MAX.saturating_sub(self.0.len());
        let end = (0..=text.len().min(room)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        if end > 0 {
            self.0.push_str(&text[..end]);
            self.0.push('\n');
        }
    }

    fn add_all<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>) {
        texts.into_iter().for_each(|text| self.add(text));
    }

    fn add_body(&mut self, body: &Body) {
        match body {
            Body::Note(note) => self.add_all([&note.text].into_iter().chain(&note.quote)),
            Body::File { name, .. } => self.add(name),
            Body::Answer { .. } | Body::Withdraw { .. } | Body::Countersign { .. } => {}
            Body::Open(opening) => self.add(&opening.subject),
            Body::Edit { text, .. } => self.add(text),
            Body::Translate(translation) => self.add_all([&translation.text, &translation.by]),
            Body::Statement(document) => self.add_statement(document),
            Body::Meeting { act, .. } => self.add_meeting(act),
            Body::Case { act, .. } => self.add_case(act),
            Body::Report(act) => self.add_report(act),
            Body::Swap { act, .. } => match act {
                SwapAct::Propose { subject: text, .. } | SwapAct::Abort { why: text } => {
                    self.add(text);
                }
                SwapAct::Commit(_) | SwapAct::Reveal(_) => {}
            },
            Body::Announcement { act, .. } => self.add_announcement(act),
        }
    }

    /// What cannot be read as a statement is not searched; its letter says what is wrong with it.
    fn add_statement(&mut self, document: &[u8]) {
        let texts = unproven_texts(document).unwrap_or_default();
        self.add_all(texts.iter().flat_map(|text| [&text.title, &text.text]));
    }

    fn add_meeting(&mut self, act: &MeetingAct) {
        match act {
            MeetingAct::Propose(plan) | MeetingAct::Counter(plan) => self.add_plan(plan),
            MeetingAct::Cancel { why: text } | MeetingAct::Held { remark: text, .. } => self.add(text),
            MeetingAct::Accept { .. } => {}
        }
    }

    fn add_plan(&mut self, plan: &Plan) {
        self.add(&plan.subject);
        let place = |place: &Place| [place.name.clone(), place.city.clone()];
        let fallback = plan.fallback.iter().map(|rendezvous| &rendezvous.place);
        self.add_all(&plan.places.iter().chain(fallback).flat_map(place).collect::<Vec<_>>());
        self.add_all(plan.participants.iter().flat_map(|each| [&each.name, &each.role, &each.side]));
        self.add_all(&plan.agenda);
        if let Publicity::AgreedLine { texts, .. } = &plan.publicity {
            self.add_all(texts.iter().map(|text| &text.text));
        }
    }

    fn add_case(&mut self, act: &CaseAct) {
        match act {
            CaseAct::Raise(file) => self.add_file(file),
            CaseAct::Add(person) => self.add_person(person),
            CaseAct::Status(report) => self.add(&report.text),
            CaseAct::Answer(report) => self.add(&report.text),
            CaseAct::Clock(clock) => self.add_all([&clock.what, &clock.source]),
            CaseAct::Access(report) => self.add(&report.text),
            CaseAct::Remark { text } | CaseAct::Met { text, .. } | CaseAct::Close { why: text } => {
                self.add(text)
            }
        }
    }

    fn add_file(&mut self, file: &CaseFile) {
        self.add_all([&file.title, &file.what, &file.place, &file.legal_basis]);
        file.persons.iter().for_each(|person| self.add_person(person));
        self.add_all(file.clocks.iter().flat_map(|clock| [&clock.what, &clock.source]));
    }

    fn add_person(&mut self, person: &Person) {
        self.add_all([&person.name, &person.romanised, &person.remark]);
        self.add_all(&person.nationality);
    }

    fn add_report(&mut self, act: &ReportAct) {
        match act {
            ReportAct::Share { title, bundle, .. } => {
                self.add(title);
                if let Bundle::Here(text) = bundle {
                    self.add_json(&serde_json::from_str(text).unwrap_or_default());
                }
            }
            ReportAct::Request { title, question, .. } => self.add_all([title, question]),
            ReportAct::Reply { text, .. } | ReportAct::Released { to: text, .. } => self.add(text),
        }
    }

    /// The words of a bundle: its strings, but for ids, types and times.
    fn add_json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.add_json(item)),
            Value::Object(fields) => {
                let words = fields.iter().filter(|(key, _)| !is_machine_key(key));
                words.for_each(|(_, value)| self.add_json(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn add_announcement(&mut self, act: &AnnouncementAct) {
        match act {
            AnnouncementAct::Propose(line) | AnnouncementAct::Counter(line) => self.add_line(line),
            AnnouncementAct::Decline { why: text } | AnnouncementAct::Published { at_place: text, .. } => {
                self.add(text);
            }
            AnnouncementAct::Agree { .. } => {}
        }
    }

    fn add_line(&mut self, line: &PublicLine) {
        self.add_all([&line.subject, &line.if_asked]);
        self.add_all(line.texts.iter().map(|text| &text.text));
    }
}

fn is_machine_key(key: &str) -> bool {
    let is_ref = key.ends_with("_ref") || key.ends_with("_refs");
    is_ref || matches!(key, "id" | "type" | "spec_version" | "created" | "modified" | "pattern_type")
}

/// The longest text of an entry, and a title.
const TEXT_OCTETS_MAX: usize = couloir_wire::limits::TEXT_OCTETS_MAX + 1_024;
