//! A file of 64 MiB over a prompt direct route, beside `scp` on loopback.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};

use super::offices::{Offices, wait_until};
use super::report::{Figure, Section};
use super::{Place, direct};
use crate::{steps, test};

/// Runs both.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let mebibytes = if place.is_quick { 8 } else { 64 };
    let mut section = Section::new("A file over a prompt direct route");
    let offices = direct::offices(place)?;
    let source = offices.folder.path().join("file");
    let mut random = File::open("/dev/urandom")?.take(mebibytes << 20);
    std::io::copy(&mut random, &mut File::create(&source)?)?;
    let ours = mebibytes as f64 / couloir(&offices, &source)?;
    let what = format!("{mebibytes} MiB, from `send` to all of it there");
    let figure = match scp(offices.folder.path(), &source) {
        Ok(seconds) => {
            let peer = mebibytes as f64 / seconds;
            Figure::aimed(
                &what,
                rate(ours),
                format!("scp: {}", rate(peer)),
                "at least a third",
                ours * 3.0 >= peer,
            )
        }
        Err(error) => {
            section.note(format!("scp was not measured: {error:#}"));
            Figure::told(&what, rate(ours), "peer missing")
        }
    };
    section.figure(figure);
    section.note("Ours is durable at both ends, hashed, and resumable; the copy that `save` writes was compared with the source.");
    Ok(section)
}

fn rate(mebibytes_per_second: f64) -> String {
    format!("{mebibytes_per_second:.0} MiB/s")
}

/// Seconds from `send --file` until all of it is there.
fn couloir(offices: &Offices, source: &Path) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let path = source.to_str().context("a path in UTF-8")?;
    let id = offices.tokyo.ask(&["send", "--file", path])?["id"].as_str().context("an id")?.to_owned();
    let mut beijing = offices.beijing.client()?;
    let len = fs::metadata(source)?.len();
    wait_until("the file is there", || {
        let rows = beijing.log()?;
        let row = rows.iter().find(|row| row["id"] == id.as_str());
        Ok(row.is_some_and(|row| row["progress"] == len))
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    let saved = offices.folder.path().join("saved");
    offices.beijing.ask(&["save", &id, "--out", saved.to_str().context("a path in UTF-8")?])?;
    ensure!(fs::read(saved)? == fs::read(source)?, "the saved file differs from the source");
    Ok(seconds)
}

/// An ssh server of our own, ended when dropped.
struct Ssh(Child);

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Seconds that `scp` takes over loopback.
fn scp(folder: &Path, source: &Path) -> anyhow::Result<f64> {
    if !test::has("sshd") {
        ensure!(test::is_root() && test::install("openssh-server openssh-client"), "sshd is not installed");
    }
    let key = folder.join("ssh-key");
    let key = key.to_str().context("a path in UTF-8")?;
    ensure!(steps::works(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]), "ssh-keygen failed");
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let _server = serve(folder, key, port)?;
    wait_until("sshd serves", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()))?;
    let target = format!("127.0.0.1:{}", folder.join("copied").display());
    let source = source.to_str().context("a path in UTF-8")?;
    let port = port.to_string();
    let begin = Instant::now();
    let copied = steps::works(&[
        "scp",
        "-q",
        "-P",
        &port,
        "-i",
        key,
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        source,
        &target,
    ]);
    ensure!(copied, "scp failed");
    Ok(begin.elapsed().as_secs_f64())
}

fn serve(folder: &Path, key: &str, port: u16) -> anyhow::Result<Ssh> {
    let config = folder.join("sshd.conf");
    let mut file = File::create(&config)?;
    writeln!(
        file,
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nAuthorizedKeysFile {key}.pub\nStrictModes no"
    )?;
    writeln!(file, "PidFile none\nPasswordAuthentication no\nUsePAM no\nSubsystem sftp internal-sftp")?;
    // sshd wants its empty folder; where we may not make it, sshd says so.
    let _ = fs::create_dir_all("/run/sshd");
    let sshd =
        steps::output(&["sh", "-c", "command -v sshd || echo /usr/sbin/sshd"]).context("sshd's path")?;
    let child = Command::new(sshd).arg("-D").arg("-f").arg(config).stderr(Stdio::null()).spawn()?;
    Ok(Ssh(child))
}
