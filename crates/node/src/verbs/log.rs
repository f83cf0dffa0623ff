//! `couloir log`

use std::time::Duration;

use super::find_conversation;
use crate::clerk::Reach;
use crate::clerk::row::Row;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::{Code, Failure, Outcome};

/// Show what was said, oldest first.
///
/// The other desk is told that its entries were shown, where the charter says so. With `--json` each
/// entry is an object on one line: `id`, `number`, `cited`, `conversation`, `author {side, post}`, `own`,
/// `kind`, `text`, `at`, `precedence`, `state`, `gap`, `differs` (its author was told something before it in other words), `withdrawn` (its author
/// took it back, and `text` is empty), `void` (it edits or takes back what is not its author's, and changes nothing); for an edited note also `edited`, its text now; for files also `name`, `len`, `progress`, `damaged`; for
/// answers also `entry` and `until`; others have all that they say in `body`. `state` only moves forward through `kept`, `carried`,
/// `delivered`, `shown`; `delivered` is the other node's authenticated acknowledgement. What is kept until
/// both desks have compared the phrase comes last, its `number` is `null`.
#[derive(clap::Args)]
pub struct Log {
    /// Go on with every new entry until interrupted, also when the node is stopped and started again. It
    /// must run at first.
    #[arg(long)]
    follow: bool,
    /// Only entries with a higher number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Only this conversation: its id, the beginning of it, or its subject.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
}

impl Log {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        if self.follow && !reach.is_running() {
            return Err(Failure::later(
                "the node does not run, so nothing new can come",
                "start it: couloir run",
            ));
        }
        let conversation =
            self.conversation.as_deref().map(|typed| find_conversation(&mut reach, typed)).transpose()?;
        let mut after = self.after;
        loop {
            let request = Request::Log { after, conversation, is_followed: self.follow };
            let outcome = reach.ask_rows(&request, &mut |row: Row| {
                after = row.number.max(after);
                out.answer(&row, || row.words())
            });
            match outcome {
                Err(failure) if self.follow && failure.code == Code::TryAgain => {
                    out.say("the node has stopped; the log goes on once it runs again");
                    reach = once_it_runs(args)?;
                }
                outcome => return outcome.map(drop),
            }
        }
    }
}

/// The node, once it runs again.
fn once_it_runs(args: &HomeArgs) -> Outcome<Reach> {
    loop {
        std::thread::sleep(LOOK_AGAIN);
        match Reach::running(args) {
            Ok(Some(reach)) => return Ok(reach),
            // It may be stopping still.
            Ok(None) | Err(Failure { code: Code::TryAgain, .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(200);
