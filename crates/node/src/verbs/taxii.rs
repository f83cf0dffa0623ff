//! `couloir taxii`

use std::path::PathBuf;

use couloir_wire::entry::Marking;
use serde_json::json;

use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::{MarkingWord, path};
use crate::home::write_private;
use crate::keys;
use crate::taxii::{self, Terms};
use crate::words::{Code, Failure, Outcome};

/// Serve reports to analysts' programs: TAXII 2.1 on loopback, read-only, a collection for each conversation.
///
/// Prints one line once it serves: where, and the token that a client sends (`Authorization: Token ...`). The node must
/// run. Reports that are marked stricter than the level do not go; what the other side shared and goes is told to it first.
#[derive(clap::Args)]
pub struct Taxii {
    /// The port on loopback; any that is free if 0.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// The strictest that may leave: amber+strict is our own organisation, amber its clients, green the community.
    #[arg(long, value_enum, default_value = "amber+strict")]
    level: MarkingWord,
    /// Who fetches, in words: originators read this.
    #[arg(long, value_name = "NAME", default_value = "our analysts")]
    client: String,
    /// A file for the token, which is made if it does not exist; else each start has a token of its own.
    #[arg(long, value_name = "FILE", value_parser = path)]
    token_file: Option<PathBuf>,
}

impl Taxii {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        if Reach::running(args)?.is_none() {
            return Err(Failure::later("the node does not run", "start it: couloir run"));
        }
        let (client, token) = (names::name("client's name", &self.client)?, self.token()?);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| no_machine(&error))?;
        let (listener, address) = taxii::listen(self.port)?;
        let url = format!("http://{address}/taxii2/");
        out.answer(&json!({ "url": url, "token": token }), || format!("ready {url} token {token}"))?;
        let terms = Terms { args: args.clone(), level: Marking::from(self.level), client, token };
        let ended = runtime.block_on(async {
            tokio::select! {
                ended = taxii::serve(terms, listener, address) => ended,
                stopped = tokio::signal::ctrl_c() => stopped,
            }
        });
        ended.map_err(|error| no_machine(&error))
    }

    fn token(&self) -> Outcome<String> {
        let fresh = || Ok::<_, Failure>(keys::hex(&keys::random::<16>()?));
        let Some(file) = &self.token_file else { return fresh() };
        match std::fs::read_to_string(file) {
            Ok(token) if is_token(token.trim()) => Ok(token.trim().to_owned()),
            Ok(_) => Err(Failure::usage(
                format!("{} holds no token of 32 or more letters and digits", file.display()),
                "delete it, and another is made",
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (token, whole) = (fresh()?, std::path::absolute(file));
                let written = whole.and_then(|whole| write_private(&whole, token.as_bytes()));
                written.map(|()| token).map_err(|error| Failure::io(file, &error))
            }
            Err(error) => Err(Failure::io(file, &error)),
        }
    }
}

fn is_token(text: &str) -> bool {
    (32..=256).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric())
}

fn no_machine(error: &std::io::Error) -> Failure {
    Failure::new(
        Code::Failed,
        format!("the machine does not let it serve: {error}"),
        "raise its limits and start again",
    )
}
