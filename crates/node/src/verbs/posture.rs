//! `couloir posture`

use clap::ValueEnum;

use super::status::glance;
use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::socket::Request;
use crate::words::Outcome;

/// Show or say whether the official line works.
///
/// Alone it shows the posture: `standby`, or `active` once the line is down for either side.
#[derive(clap::Args)]
pub struct Posture {
    #[command(subcommand)]
    verb: Option<PostureVerb>,
}

#[derive(clap::Subcommand)]
enum PostureVerb {
    /// Say how the official line is.
    Official {
        /// How it is.
        #[arg(value_enum)]
        state: LineWord,
        /// What is known about it.
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
    },
    /// Let the node probe the official line, at once and then every minute.
    ///
    /// It is down when an address did not answer twice running, and up again when all answer.
    #[command(subcommand)]
    Watch(WatchVerb),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LineWord {
    /// It works.
    Up,
    /// It does not.
    Down,
}

#[derive(clap::Subcommand)]
enum WatchVerb {
    /// Probe this address from now on.
    Add {
        /// `http://HOST/PATH`, `https://HOST`, `smtp://HOST`, `tcp://HOST:PORT`, or `exec:/PATH`: a program
        /// whose exit code 0 says that the line works.
        url: String,
    },
    /// Probe it no longer.
    Remove {
        /// As it was added.
        url: String,
    },
    /// Show what is probed.
    List,
}

impl Posture {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        match &self.verb {
            None => {
                let posture = glance(&mut reach)?.posture;
                out.answer(&posture, || posture.words())
            }
            Some(PostureVerb::Official { state, why }) => {
                let request = Request::Official { is_up: *state == LineWord::Up, why: why.clone() };
                let answer = reach.ask(&request)?;
                out.answer(&answer, || "Noted; both desks will read it.".to_owned())
            }
            Some(PostureVerb::Watch(verb)) => {
                let answer = reach.ask(&verb.request())?;
                let watched = answer["watch"].as_array().cloned().unwrap_or_default();
                let lines = watched.iter().filter_map(|url| url.as_str()).map(one_line);
                out.answer(&answer, || lines.collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

impl WatchVerb {
    fn request(&self) -> Request {
        match self {
            WatchVerb::Add { url } => Request::WatchAdd { url: url.clone() },
            WatchVerb::Remove { url } => Request::WatchRemove { url: url.clone() },
            WatchVerb::List => Request::WatchList,
        }
    }
}
