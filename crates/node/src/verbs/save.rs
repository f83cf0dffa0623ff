//! `couloir save`

use std::path::PathBuf;

use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::path;
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Write a received file to disk, once all of it has come and its hash is right.
#[derive(clap::Args)]
pub struct Save {
    /// The file's entry: its id, or the beginning of it.
    entry: String,
    /// Where to; it must not exist yet.
    #[arg(long, value_name = "FILE", value_parser = path)]
    out: PathBuf,
}

impl Save {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let path = std::path::absolute(&self.out).map_err(|error| Failure::io(&self.out, &error))?;
        let path = path
            .to_str()
            .ok_or_else(|| Failure::usage("the path is not valid UTF-8", "choose another one"))?;
        let request = Request::Save { entry: self.entry.clone(), path: path.to_owned() };
        let answer = Reach::open(args)?.ask(&request)?;
        out.answer(&answer, || format!("Saved: {}.", self.out.display()))
    }
}
