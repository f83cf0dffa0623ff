//! `couloir side create`

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use couloir_seal::identity::SigningKey;
use couloir_seal::papers::side_id;
use couloir_wire::cbor;
use couloir_wire::papers::{OFFICERS_MAX, Paper, Signet};
use serde_json::json;

use crate::clerk::names;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::passphrase;
use crate::cli::plain::one_line;
use crate::cli::values::path;
use crate::home::write_private;
use crate::keys;
use crate::words::{Failure, Outcome};

/// Make a side: its officers' keys, and the signet by which others know it.
///
/// Do it once, on a machine without a network. Each officer takes the own key away; the signet is public.
/// So many officers as the threshold says must sign what the side agrees to and whom it certifies.
#[derive(clap::Args)]
pub(super) struct Create {
    /// The side's name, as the other side will read it.
    #[arg(long, alias = "side", value_name = "NAME")]
    name: String,
    /// How many officers there are.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=OFFICERS_MAX as i64))]
    officers: u8,
    /// How many of them must sign.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u8).range(1..=OFFICERS_MAX as i64))]
    threshold: u8,
    /// The folder for the keys and the signet; it is made if it does not exist.
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = path)]
    out: PathBuf,
}

impl Create {
    /// Does it.
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let name = names::name("side's name", &self.name)?;
        if self.threshold > self.officers {
            return Err(Failure::usage(
                format!("{} of {} officers can never sign", self.threshold, self.officers),
                "give a threshold that is not above the number of officers",
            ));
        }
        let signet_path = self.out.join("side.signet");
        let paths: Vec<PathBuf> =
            (1..=self.officers).map(|number| self.out.join(format!("officer-{number}.key"))).collect();
        make_folder(&self.out)?;
        if let Some(path) = paths.iter().chain([&signet_path]).find(|path| path.exists()) {
            return Err(Failure::io(path, &std::io::ErrorKind::AlreadyExists.into()));
        }
        let officers = paths.iter().map(|path| make_key(path, args)).collect::<Outcome<Vec<_>>>()?;
        let signet = Signet { version: 1, name, threshold: self.threshold, officers };
        signet.check().map_err(crate::clerk::papers::unreadable)?;
        write_private(&signet_path, &cbor::encode(&signet)).map_err(|e| Failure::io(&signet_path, &e))?;
        tell(out, &signet, &paths, &signet_path)
    }
}

fn make_folder(folder: &Path) -> Outcome {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Failure::io(folder, &error))
}

fn make_key(path: &Path, args: &HomeArgs) -> Outcome<couloir_wire::papers::PublicKey> {
    let passphrase = passphrase::chosen_for_key(path, args)?;
    let key = SigningKey::generate(&mut keys::machine_entropy()?);
    keys::write_officer_key(path, &key, &passphrase)?;
    Ok(key.public().clone())
}

fn tell(out: &Out, signet: &Signet, paths: &[PathBuf], signet_path: &Path) -> Outcome {
    let id = side_id(signet).to_string();
    let answer = json!({
        "side": { "name": signet.name, "id": id },
        "threshold": signet.threshold,
        "officer_keys": paths,
        "signet": signet_path,
    });
    out.answer(&answer, || {
        format!(
            "{}: {} of its {} officers sign. Each takes the own key out of {}.\nIts id, to be compared: {id}\n\
             Next: couloir init --signet {} --post TITLE --home DIR",
            one_line(&signet.name),
            signet.threshold,
            signet.officers.len(),
            signet_path.parent().unwrap_or(Path::new(".")).display(),
            signet_path.display(),
        )
    })
}
