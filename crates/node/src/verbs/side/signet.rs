//! `couloir side signet`

use std::path::PathBuf;

use couloir_seal::papers::side_id;
use couloir_wire::cbor;
use couloir_wire::papers::Signet;
use serde_json::json;

use crate::clerk::Reach;
use crate::clerk::papers::{self, Agreed};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Write a side's signet into a file, for whoever is to check what its officers signed.
///
/// A signet is public. Hand it over in a way that cannot be forged, or have its id compared by voice.
#[derive(clap::Args)]
pub(super) struct WriteSignet {
    /// The file to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The other side's signet, as this node has known it since first contact, instead of our own.
    #[arg(long)]
    peer: bool,
}

impl WriteSignet {
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let answer = Reach::open(args)?.ask(&Request::Papers)?;
        let agreed = Agreed::of(&papers::of_answer(&answer)?[0])?;
        let signet = self.chosen(agreed)?;
        self.write(&cbor::encode(&signet))?;
        let id = side_id(&signet).to_string();
        let (name, path) = (&signet.name, self.out.display());
        let answer = json!({ "out": self.out, "side": { "name": name, "id": id } });
        out.answer(&answer, || {
            let officers = format!("{} of its {} officers sign", signet.threshold, signet.officers.len());
            format!(
                "The signet of {} is in {path}: {officers}.\nIts id, to be compared: {id}",
                one_line(name)
            )
        })
    }

    fn chosen(&self, agreed: Agreed) -> Outcome<Signet> {
        if !self.peer {
            return Ok(agreed.own);
        }
        agreed.peer.map(|(signet, _)| signet).ok_or_else(|| {
            Failure::refused(
                "the other side is not known yet",
                "wait until both nodes have met: couloir phrase --wait",
            )
        })
    }

    fn write(&self, octets: &[u8]) -> Outcome {
        use std::io::Write as _;
        let wrong = |error| Failure::io(&self.out, &error);
        let mut file = std::fs::File::create_new(&self.out).map_err(wrong)?;
        file.write_all(octets).and_then(|()| file.sync_all()).map_err(wrong)
    }
}
