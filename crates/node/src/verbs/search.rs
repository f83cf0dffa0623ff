//! `couloir search`

use crate::clerk::Reach;
use crate::clerk::row::Row;
use crate::clerk::search::{KINDS, Sought};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::{MarkingWord, day_end_ms, day_ms};
use crate::socket::Request;
use crate::words::Outcome;

/// Look something up in everything said, the newest first.
///
/// One Chinese or Japanese character is enough; of other scripts, two letters. Every word must occur somewhere in the
/// entry: texts, quotations, versions, translations, names of files and persons, statements, reports. Widths and cases
/// are one. What expired or was taken back is not found. With `--json` each entry is an object on one line, as in
/// `couloir log --json`.
#[derive(clap::Args)]
pub struct Search {
    /// What to look for.
    #[arg(default_value = "", hide_default_value = true)]
    words: Vec<String>,
    /// Said by this post: its title, or the beginning of its id.
    #[arg(long, value_name = "POST")]
    by: Option<String>,
    /// Said on this day or later, such as 2026-10-01, or from a time on.
    #[arg(long, value_name = "DATE", value_parser = day_ms)]
    from: Option<i64>,
    /// Said on this day or before, or before a time.
    #[arg(long, value_name = "DATE", value_parser = day_end_ms)]
    until: Option<i64>,
    /// Only entries of this kind.
    #[arg(long, value_parser = KINDS)]
    kind: Option<String>,
    /// Only entries so marked, by themselves or by their conversation.
    #[arg(long, value_enum)]
    marking: Option<MarkingWord>,
    /// Only this conversation: its id, the beginning of it, or its subject.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// Only this case: its id, the beginning of it, or what it is cited by.
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// Only entries before the one with this number in the log: to look further back.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// At most so many.
    #[arg(long, default_value = "50")]
    count: usize,
}

impl Search {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        let sought = Box::new(self.sought());
        let request = Request::Search { sought, count: self.count };
        let answer = reach.ask_rows(&request, &mut |row: Row| out.answer(&row, || row.words()))?;
        if let Some(before) = answer["before"].as_u64() {
            out.say(&format!("there may be more: couloir search --before {before}"));
        }
        if let Some(behind) = answer["behind"].as_u64().filter(|behind| *behind > 0) {
            out.say(&format!("{behind} older entries are not indexed yet"));
        }
        Ok(())
    }

    fn sought(&self) -> Sought {
        Sought {
            words: self.words.join(" "),
            by: self.by.clone(),
            from_ms: self.from,
            until_ms: self.until,
            kind: self.kind.clone(),
            marking: self.marking.map(Into::into),
            conversation: self.conversation.clone(),
            case: self.case.clone(),
            before: self.before,
        }
    }
}
