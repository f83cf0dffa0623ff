//! What happens to the routes and nodes, and when.

use std::time::Duration;

use super::draw::Stagehand;
use super::notes::Notes;
use super::stage::{City, Stage};
use super::talk;
use crate::words::{Code, Failure, Outcome};

/// What is played.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long the offices talk.
    pub length: Duration,
    /// Whether a note is lost for good.
    pub lose_one: bool,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    KillRelay(usize),
    ReviveRelay(usize),
    TakeFolder,
    BringFolder,
    KillBeijing,
    StartBeijing,
    Drill,
}

/// Acts by the share of the time that is over, in percent. After 42 % only one route is left.
const SCRIPT: [(u32, Act); 9] = [
    (10, Act::KillRelay(0)),
    (25, Act::TakeFolder),
    (38, Act::ReviveRelay(0)),
    (42, Act::KillRelay(1)),
    (55, Act::BringFolder),
    (62, Act::KillBeijing),
    (72, Act::StartBeijing),
    (84, Act::ReviveRelay(1)),
    (92, Act::Drill),
];

/// Plays the script to the end of the time; returns how long the test of the line took.
pub fn play(stage: &mut Stage, notes: &Notes, hand: &Stagehand, plan: Plan) -> Outcome<u64> {
    let (mut drill_ms, mut down_since_ms) = (None, 0);
    for (percent, act) in SCRIPT {
        notes.sleep_until(plan.length * percent / 100);
        hand.act(words(act));
        match act {
            Act::KillRelay(number) => stage.kill_relay(number),
            Act::ReviveRelay(number) => stage.revive_relay(number)?,
            Act::TakeFolder => stage.take_folder_away()?,
            Act::BringFolder => stage.bring_folder_back()?,
            Act::KillBeijing => {
                down_since_ms = notes.now_ms();
                stage.kill_node(City::Beijing);
            }
            Act::StartBeijing => {
                start_beijing(stage, notes, plan)?;
                notes.outage(down_since_ms, notes.now_ms() + CATCH_UP_MS);
            }
            Act::Drill => drill_ms = Some(drill(stage)?),
        }
    }
    notes.sleep_until(plan.length);
    drill_ms.ok_or_else(|| Failure::new(Code::OutOfReach, "the line was not tested", "report this"))
}

fn start_beijing(stage: &mut Stage, notes: &Notes, plan: Plan) -> Outcome {
    if plan.lose_one {
        let place = stage.place();
        stage.lose_a_note(City::Beijing, || talk::say(&place, notes, City::Beijing, "这句话会丢失。"))?;
    }
    stage.start_node(City::Beijing)
}

fn drill(stage: &Stage) -> Outcome<u64> {
    let answer = stage.place().command(City::Tokyo, &["drill", "--json"])?;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    let after_ms = answer["after_ms"].as_u64();
    after_ms
        .ok_or_else(|| Failure::new(Code::OutOfReach, "the test of the line was not answered", "report this"))
}

fn words(act: Act) -> &'static str {
    match act {
        Act::KillRelay(0) => "relay 1 is killed",
        Act::KillRelay(_) => "relay 2 is killed: one route is left",
        Act::ReviveRelay(0) => "relay 1 is back",
        Act::ReviveRelay(_) => "relay 2 is back",
        Act::TakeFolder => "the folder is taken away",
        Act::BringFolder => "the folder is back",
        Act::KillBeijing => "Beijing's node is killed; its office goes on writing",
        Act::StartBeijing => "Beijing's node starts again",
        Act::Drill => "Tokyo tests the line",
    }
}

/// How long after its start a node's own outage still explains a wait.
const CATCH_UP_MS: u64 = 1_500;
