//! `couloir conversation`

use clap::Subcommand;
use couloir_wire::entry::{Body, Marking, Opening};
use couloir_wire::id::PostId;
use serde_json::Value;

use super::{find_conversation, text_of};
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain;
use crate::cli::values::{MarkingWord, duration_ms};
use crate::socket::{How, Request};
use crate::words::{Failure, Outcome};

/// Open conversations and see them.
#[derive(clap::Args)]
pub struct Conversation {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    Open(Open),
    /// Show every conversation: subject, members, marking, entries.
    List,
}

/// Open a conversation under a subject and a marking.
///
/// Who takes part is fixed: other posts need another conversation, which may continue this one.
#[derive(clap::Args)]
struct Open {
    /// What it is about.
    subject: String,
    /// How its entries may be passed on (TLP 2.0).
    #[arg(long, value_enum, default_value = "red")]
    marking: MarkingWord,
    /// A post that takes part, by its title or id; all of the channel if none is named.
    #[arg(long = "with", value_name = "POST")]
    with: Vec<String>,
    /// The conversation that this one continues.
    #[arg(long, value_name = "CONVERSATION")]
    after: Option<String>,
    /// Notes and files in it are forgotten by both sides so long after they were said.
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    expire: Option<u64>,
    /// Keep it, if the phrase has not been compared yet, until it has.
    #[arg(long)]
    when_verified: bool,
}

impl Conversation {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        match &self.act {
            Act::Open(open) => open.run(out, &mut reach),
            Act::List => {
                let answer = reach.ask(&Request::Conversations)?;
                out.answer(&answer, || listed(&answer))
            }
        }
    }
}

impl Open {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let predecessor = self.after.as_deref().map(|typed| find_conversation(reach, typed)).transpose()?;
        let opening = Opening {
            subject: names::name("subject", &self.subject)?,
            marking: Marking::from(self.marking),
            members: self.members(reach)?,
            predecessor,
            expires_after_ms: self.expire,
        };
        let how = How { when_verified: self.when_verified, ..How::default() };
        let answer = reach.ask(&Request::Say { body: Box::new(Body::Open(opening)), how })?;
        out.answer(&answer, || format!("Opened as [{}].", text_of(&answer, "id")))
    }

    fn members(&self, reach: &mut Reach) -> Outcome<Vec<PostId>> {
        let answer = reach.ask(&Request::Posts)?;
        let posts: Vec<Post> = serde_json::from_value(answer["posts"].clone()).map_err(|error| {
            Failure::usage(
                format!("the node's answer is not understood: {error}"),
                "use the couloir of the same version",
            )
        })?;
        if let Some(unknown) = self.with.iter().find(|name| !posts.iter().any(|post| post.is(name))) {
            return Err(Failure::usage(
                format!("the channel has no post {unknown:?}"),
                "see the posts in couloir conversation list",
            ));
        }
        let is_in =
            |post: &&Post| self.with.is_empty() || post.own || self.with.iter().any(|name| post.is(name));
        let mut members: Vec<PostId> = posts.iter().filter(is_in).map(|post| post.id).collect();
        members.sort_unstable();
        Ok(members)
    }
}

#[derive(serde::Deserialize)]
struct Post {
    id: PostId,
    post: String,
    own: bool,
}

impl Post {
    fn is(&self, name: &str) -> bool {
        self.post == name || self.id.to_string().starts_with(name)
    }
}

fn listed(answer: &Value) -> String {
    let rows = answer["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |row: &Value| {
        let members = row["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        let members: Vec<String> = members
            .iter()
            .map(|member| {
                plain::one_line(&format!("{}, {}", text_of(member, "side"), text_of(member, "post")))
            })
            .collect();
        format!(
            "[{}] {} {}, {} entries\n      {}",
            text_of(row, "id").get(..8).unwrap_or_default(),
            plain::one_line(text_of(row, "subject")),
            text_of(row, "marking"),
            row["entries"],
            members.join("; ")
        )
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
