//! `couloir side holders`

use serde_json::json;

use crate::clerk::holders::{self, Holder, PostHeld};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::cli::values::local_of;
use crate::verbs::office::Office;
use crate::words::Outcome;

/// Show who has held each post since when, as its side's officers certified it.
#[derive(clap::Args)]
pub(super) struct Holders {}

impl Holders {
    /// Does it.
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let office = Office::open(args)?;
        let posts = holders::posts(&office.channels)?;
        out.answer(&json!({ "posts": posts }), || posts.iter().flat_map(words).collect::<Vec<_>>().join("\n"))
    }
}

fn words(post: &PostHeld) -> Vec<String> {
    let head = format!("{}, {}", one_line(&post.side), one_line(post.post.as_deref().unwrap_or_default()));
    let of_holder = |holder: &Holder| {
        let name = holder.holder.as_deref().map_or("nobody named".into(), one_line);
        format!("  since {}: {name}, on node {}", local_of(&holder.since), holder.node)
    };
    [head].into_iter().chain(post.holders.iter().map(of_holder)).collect()
}
