//! `couloir translate`

use clap::ValueEnum;
use couloir_wire::entry::{Body, Lang, Rendering, Translation};

use super::{find_entry, say_about, text_of};
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::words::Outcome;

/// Lay a translation over an entry. The original stays authoritative.
#[derive(clap::Args)]
pub struct Translate {
    /// The entry: its id, the beginning of it, or what it is cited by.
    entry: String,
    /// The language translated into, such as ja, zh-Hans or en.
    #[arg(long)]
    lang: Lang,
    /// How far it can be relied upon.
    #[arg(long, value_enum)]
    rendering: RenderingWord,
    /// Who translated, in words.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// The text.
    text: String,
}

/// How far a translation can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RenderingWord {
    /// Our office stands for it.
    Official,
    /// A person's, for convenience.
    Unofficial,
    /// A machine's.
    Machine,
}

impl From<RenderingWord> for Rendering {
    fn from(word: RenderingWord) -> Rendering {
        match word {
            RenderingWord::Official => Rendering::Official,
            RenderingWord::Unofficial => Rendering::Unofficial,
            RenderingWord::Machine => Rendering::Machine,
        }
    }
}

impl Translate {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        let found = find_entry(&mut reach, &self.entry)?;
        let translation = Translation {
            of: found.id,
            lang: self.lang.clone(),
            rendering: self.rendering.into(),
            by: names::name("translator's name", &self.by)?,
            text: names::text(&self.text)?,
        };
        let answer = say_about(&mut reach, &found, Body::Translate(translation))?;
        out.answer(&answer, || format!("Kept as [{}].", text_of(&answer, "id")))
    }
}
