//! `couloir clocks`

use serde_json::Value;

use super::text_of;
use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::socket::Request;
use crate::words::Outcome;

/// Show both desks' clocks, by which every time is shown, or say in which zones they are.
#[derive(clap::Args)]
pub struct Clocks {
    /// This desk's zone, as IANA names it (Asia/Tokyo); an empty one means the machine's.
    #[arg(long, value_name = "ZONE")]
    own: Option<String>,
    /// The other desk's zone (Asia/Shanghai); an empty one means that it is not known.
    #[arg(long, value_name = "ZONE")]
    theirs: Option<String>,
}

impl Clocks {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let request = Request::Clocks { own: self.own.clone(), theirs: self.theirs.clone() };
        let answer = Reach::open(args)?.ask(&request)?;
        out.answer(&answer, || {
            format!("{}\n{}", line("Here ", &answer["own"]), line("There", &answer["theirs"]))
        })
    }
}

fn line(whose: &str, clock: &Value) -> String {
    if clock.is_null() {
        return format!("{whose}  not known: couloir clocks --theirs ZONE");
    }
    format!("{whose}  {} ({})", text_of(clock, "time"), one_line(text_of(clock, "place")))
}
