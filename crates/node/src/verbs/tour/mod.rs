//! `couloir tour`: two offices talk over real sockets while their routes are killed.
//!
//! [`stage`] sets up homes, relays, a folder and nodes as processes of their own. [`script`] is the
//! list of what happens to them. [`talk`] lets both sides speak and watches what arrives, [`draw`]
//! shows it, and [`count`] reads both nodes' logs at the end and says which promises were kept.

mod count;
mod draw;
mod notes;
mod process;
mod script;
mod stage;
mod talk;
mod texts;
mod week;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::out::Out;
use crate::words::{Code, Failure, Outcome};
use count::Count;
use draw::Stagehand;
use notes::Notes;
use stage::Stage;

/// Watch two offices talk while their routes are killed one after the other.
///
/// Sets up Tokyo and Beijing in a temporary folder with two relays, a shared folder and their nodes,
/// all as real processes over real sockets. Exit code 1 if any promise broke. With `--json` the
/// answer is `said`, `arrived`, `lost`, `repeated`, `out_of_order`, `altered`, `undelivered`,
/// `longest_wait_ms`, `longest_wait_nodes_up_ms`, `median_wait_ms`, `drill_ms`, `kept`.
#[derive(clap::Args)]
pub struct Tour {
    /// How long they talk.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(SECONDS_MIN..=SECONDS_MAX))]
    seconds: u64,
    /// Print a line for everything that happens instead of drawing.
    #[arg(long)]
    headless: bool,
    /// Lose one note for good, to show that the count tells: while Beijing is down a note is said
    /// there, and then its disk is put back to what it was before.
    #[arg(long, hide = true)]
    lose_one: bool,
    /// Play a week of talks instead, by both desks' own commands, and leave both pages open to explore.
    ///
    /// With `--json`: `acts`, `head` of the record at both desks, `desks [{city, home, url}]`, once all is played; it then runs until it is stopped.
    #[arg(long, conflicts_with_all = ["seconds", "lose_one"])]
    week: bool,
}

impl Tour {
    /// Does it.
    pub fn run(&self, out: &Out) -> Outcome {
        let hand = Stagehand::new(*out, self.headless);
        if self.week {
            return week::play(out, &hand);
        }
        hand.act("two sides, two relays, a folder: setting up");
        let mut stage = Stage::set_up(&hand)?;
        let notes = Arc::new(Notes::begin(Instant::now()));
        let length = Duration::from_secs(self.seconds);
        let drill_ms = std::thread::scope(|scope| {
            let talk = talk::begin(scope, &stage, &notes, length);
            let drawing = hand.begin(scope, &stage, &notes, length);
            let drill_ms =
                script::play(&mut stage, &notes, &hand, script::Plan { length, lose_one: self.lose_one });
            talk.end(&notes);
            drawing.end();
            drill_ms
        })?;
        let count = Count::of(&stage, &notes, drill_ms)?;
        stage.tear_down()?;
        hand.finish();
        out.answer(&count, || count.words())?;
        verdict(&count).map_err(Failure::answered)
    }
}

fn verdict(count: &Count) -> Outcome {
    if count.kept {
        return Ok(());
    }
    Err(Failure::new(
        Code::Failed,
        format!("a promise broke: {}", count.broken()),
        "report this, with what was drawn",
    ))
}

/// Time enough for every act of the script.
const SECONDS_MIN: u64 = 12;
const SECONDS_MAX: u64 = 3_600;
