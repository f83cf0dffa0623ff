//! What stands on the pages: the cover, and a sheet for each statement.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::lines::Style;
use super::paper::Paper;
use crate::clerk::record::{CountersignatureShown, RecordShown, SignerShown, StatementShown};

/// What the record is, its head, and the hash of the file.
pub fn cover(paper: &mut Paper, record: &RecordShown, file: &str) {
    let (title, label, soft) = (paper.label(22.0), paper.label(10.5), paper.label(9.0).soft());
    paper.space(4.0);
    let under_code = paper.code(&format!("sha256:{file}"), CODE);
    paper.narrow(&paper.t("pdf-title"), &title, BESIDE_CODE);
    paper.narrow(
        &paper.tn("record-count", &[("count", record.statements.len().into())]),
        &label,
        BESIDE_CODE,
    );
    paper.narrow(&paper.t("pdf-holds"), &label, BESIDE_CODE);
    if !record.missing.is_empty() {
        paper.narrow(
            &paper.tn("record-missing", &[("count", record.missing.len().into())]),
            &label,
            BESIDE_CODE,
        );
    }
    paper.reach(under_code + 4.0);
    for (name, value) in
        [("record-head", &record.head), ("pdf-file", &file.to_owned()), ("pdf-channel", &record.channel)]
    {
        paper.text(&paper.t(name), &soft);
        paper.text(&grouped(value), &Style::figures(9.0));
    }
    paper.text(&paper.t("pdf-check"), &soft);
    paper.space(8.0);
}

/// A statement with everything that was said to it.
pub fn statement(paper: &mut Paper, record: &RecordShown, shown: &StatementShown) {
    let (label, soft) = (paper.label(10.5), paper.label(9.0).soft());
    paper.make_room(140.0);
    paper.rule();
    let standing = paper.t(standing(&shown.standing));
    let number = paper.tn("pdf-statement", &[("number", shown.place.into())]);
    paper.text(&format!("{number}  {standing}"), &paper.label(13.0));
    paper.text(&format!("{}  {}", signer(&shown.by), utc(&shown.at)), &label);
    let asks = match shown.asks.as_str() {
        "agree" => "record-asks-agree",
        "acknowledge" => "record-asks-acknowledge",
        _ => "record-asks-nothing",
    };
    paper.text(&paper.t(asks), &soft);
    if let Some(corrects) = &shown.corrects {
        let number = paper.tn("record-corrects", &[("number", shown.number.into())]);
        paper.text(&format!("{number}: {}", place_of(paper, record, corrects)), &soft);
    }
    texts(paper, shown);
    shown.countersignatures.iter().for_each(|mark| countersignature(paper, mark));
    fingerprints(paper, shown);
    paper.space(10.0);
}

/// All languages beside each other, as far as they fit.
fn texts(paper: &mut Paper, shown: &StatementShown) {
    paper.space(4.0);
    for texts in shown.texts.chunks(BESIDE_MAX) {
        let titles: Vec<Style> = texts.iter().map(|text| Style::text(&text.lang, 12.5)).collect();
        let bodies: Vec<Style> = texts.iter().map(|text| Style::text(&text.lang, 10.5)).collect();
        let title: Vec<(&str, &Style)> =
            texts.iter().zip(&titles).map(|(text, style)| (&*text.title, style)).collect();
        let body: Vec<(&str, &Style)> =
            texts.iter().zip(&bodies).map(|(text, style)| (&*text.text, style)).collect();
        paper.columns(&title);
        paper.columns(&body);
        paper.space(6.0);
    }
}

fn countersignature(paper: &mut Paper, mark: &CountersignatureShown) {
    let label = paper.label(10.0);
    let verdict = paper.t(standing(&mark.verdict));
    paper.text(&format!("{verdict}  {}  {}", signer(&mark.by), utc(&mark.at)), &label);
    if let Some(reason) = &mark.reason {
        let tag = if mark.by.name.is_empty() { "en" } else { tag_of(reason) };
        paper.text(reason, &Style::text(tag, 10.0));
    }
}

/// By what each item is known, and which node signed it.
fn fingerprints(paper: &mut Paper, shown: &StatementShown) {
    let soft = paper.label(7.5).soft();
    paper.space(4.0);
    let mut line = |name: &str, digest: &str, node: &str| {
        for (name, digits) in [(name, digest), ("record-node", node)] {
            let label = paper.t(name);
            paper.text(&format!("{label}  {}", grouped(digits)), &soft);
        }
    };
    line("record-item", &shown.digest, &shown.by.node);
    for mark in &shown.countersignatures {
        line("record-item-mark", &mark.digest, &mark.by.node);
    }
}

fn place_of(paper: &Paper, record: &RecordShown, digest: &str) -> String {
    let found = record.statements.iter().find(|shown| shown.digest == digest);
    found
        .map_or_else(|| grouped(digest), |shown| paper.tn("pdf-statement", &[("number", shown.place.into())]))
}

/// The language of a reason, which does not say it: kana are Japanese; else Chinese shapes are taken.
fn tag_of(text: &str) -> &'static str {
    if text.chars().any(|c| matches!(c, '\u{3041}'..='\u{30FF}')) { "ja" } else { "zh-Hans" }
}

fn standing(word: &str) -> &'static str {
    match word {
        "acknowledged" => "standing-acknowledged",
        "declined" => "standing-declined",
        "agreed" => "standing-agreed",
        _ => "standing-said",
    }
}

fn signer(by: &SignerShown) -> String {
    let holder = by.holder.as_deref().map(|holder| format!(" ({holder})")).unwrap_or_default();
    format!("{}, {}{holder}", by.name, by.title)
}

fn utc(at: &str) -> String {
    let zoned = at.parse::<Timestamp>().map(|at| at.to_zoned(TimeZone::UTC));
    zoned.map_or_else(|_| at.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Groups of four, so that they can be compared.
fn grouped(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// The side of the code on the cover, in points.
const CODE: f32 = 108.0;
/// The width that it leaves.
const BESIDE_CODE: f32 = 340.0;
/// Languages that fit beside each other.
const BESIDE_MAX: usize = 2;
