//! The command `couloir-relay`, also hidden in `couloir` as `couloir relay`.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use couloir_wire::ruler::Ruler;
use couloir_wire::text::is_invisible;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::access::{Access, AccessError};
use crate::limits::{CONNECTIONS_DEFAULT, FILES_BESIDE_CONNECTIONS, HELD_OCTETS_DEFAULT};
use crate::server::{CertificateSource, Config, ServeError, serve};
use crate::store::{StoreError, StoreLimits};
use crate::usage;

/// A blind store of cells for Couloir: it sees fixed-size cells come and go, never what is said.
#[derive(Debug, Parser)]
#[command(name = "couloir-relay", version)]
struct Program {
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// What a relay can be told to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or SIGINT. Prints one line, `ready` and the route for a charter.
    Run(RunArgs),
}

/// How to serve.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Folder for cells and for the relay's own certificate; made if it lacks
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub listen: SocketAddr,
    /// How long which cells are kept; relays of one channel should have different ones
    #[arg(long, value_name = "0|1|2", default_value = "0", value_parser = ruler)]
    pub ruler: Ruler,
    /// URL by which nodes reach the relay, if it is not https://ADDR
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,
    /// Certificate chain in PEM, leaf first; without it the relay makes its own
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Work only for the access keys in this file: lines of 32 hexadecimal digits, optionally a space
    /// and the cells they may store per minute
    #[arg(long, value_name = "FILE")]
    pub access_key_file: Option<PathBuf>,
    /// Disk that cells may take, in octets; memory follows, about 48 octets for each 2,048
    #[arg(long, value_name = "N", default_value_t = HELD_OCTETS_DEFAULT,
          value_parser = clap::value_parser!(u64).range(1 << 20..=1 << 44))]
    pub max_bytes: u64,
    /// Connections at once; a quarter of them for one address
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS_DEFAULT as u32,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub max_connections: u32,
    /// Print the ready line, or a failure, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command in the process's arguments.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match Program::try_parse_from(&args) {
        Ok(Program { command: Command::Run(command), json }) => {
            start_diagnostics();
            run(Command::Run(RunArgs { json: command.json || json, ..command }))
        }
        Err(error) => refuse_usage(&error, &args),
    }
}

/// Help and version are answers; everything else that does not parse is a usage error.
fn refuse_usage(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let is_json = args.iter().any(|arg| arg == "--json");
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help && is_json {
        // A reader that went away has had enough of it.
        let _ = writeln!(std::io::stdout().lock(), "{}", usage::answer(error, &Program::command()));
        return ExitCode::SUCCESS;
    }
    if is_help || args.len() == 1 {
        let _ = error.print();
        return ExitCode::from(if is_help { 0 } else { 2 });
    }
    let (what, next) = usage::sentence(error, &Program::command(), args);
    fail(&format!("{what}; {next}"), 2, is_json)
}

/// One sentence on stderr, and with `--json` the object of a failure on stdout.
fn fail(sentence: &str, code: u8, is_json: bool) -> ExitCode {
    let sentence = &usage::one_line(sentence);
    eprintln!("couloir-relay: {sentence}");
    if is_json {
        let (what, next) = sentence.rsplit_once("; ").unwrap_or((sentence, ""));
        let answer = serde_json::json!({ "error": { "what": what, "next": next, "code": code } });
        // A reader that went away has the exit code.
        let _ = writeln!(std::io::stdout().lock(), "{answer}");
    }
    ExitCode::from(code)
}

/// Runs `command` on a runtime of its own. Exit codes: 0 stopped in order, 1 failed, 6 damaged store;
/// what does not parse ends with 2.
pub fn run(command: Command) -> ExitCode {
    let Command::Run(args) = command;
    let is_json = args.json;
    match run_to_end(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), error.exit_code(), is_json),
    }
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("{} cannot be used ({source}); check that it exists and who may read it", .path.display())]
    AccessFile { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}; correct it and start again", .path.display())]
    AccessKeys { path: PathBuf, source: AccessError },
    #[error("the system gave no threads or signals ({0}); check its limits and start again")]
    System(std::io::Error),
}

impl RunError {
    fn exit_code(&self) -> u8 {
        match self {
            RunError::Serve(ServeError::Store(StoreError::Damaged { .. })) => 6,
            _ => 1,
        }
    }
}

fn run_to_end(args: RunArgs) -> Result<(), RunError> {
    let is_json = args.json;
    let config = config(args)?;
    raise_file_limit(config.connections_max);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(RunError::System)?;
    runtime.block_on(async {
        let stop = stop_signal().map_err(RunError::System)?;
        let stop = async {
            stop.await;
            notify(sd_notify::NotifyState::Stopping);
        };
        serve(config, |route| announce(route, is_json), stop).await.map_err(RunError::Serve)
    })
}

fn config(args: RunArgs) -> Result<Config, RunError> {
    let certificate = match (args.tls_cert, args.tls_key) {
        (Some(certificate), Some(key)) => CertificateSource::Files { certificate, key },
        _ => CertificateSource::Own(args.data.clone()),
    };
    Ok(Config {
        public_url: args.public_url,
        certificate,
        access: args.access_key_file.as_deref().map_or(Ok(Access::open()), read_access)?,
        store: StoreLimits { held_octets_max: args.max_bytes, ..StoreLimits::default() },
        connections_max: args.max_connections as usize,
        ..Config::new(args.data, args.listen, args.ruler)
    })
}

/// Lets the process open a file for each connection; the usual soft limit is lower.
fn raise_file_limit(connections_max: usize) {
    let wanted = (connections_max + FILES_BESIDE_CONNECTIONS) as u64;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    limit.current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    let raised = setrlimit(Resource::Nofile, limit);
    if raised.is_err() || limit.current < Some(wanted) {
        tracing::warn!("the system allows fewer than {wanted} open files; some connections will be refused");
    }
}

fn read_access(path: &Path) -> Result<Access, RunError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| RunError::AccessFile { path: path.to_owned(), source })?;
    Access::from_text(&text).map_err(|source| RunError::AccessKeys { path: path.to_owned(), source })
}

/// Says on stdout, once, that the relay serves, and tells the service manager.
fn announce(route: &str, is_json: bool) {
    let line = match is_json {
        true => serde_json::json!({ "ready": true, "route": route }).to_string(),
        false => format!("ready {route}"),
    };
    let mut out = std::io::stdout().lock();
    // Nobody reading the line is no reason not to serve.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    notify(sd_notify::NotifyState::Ready);
}

fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("the service manager could not be told: {error}");
    }
}

fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
}

fn ruler(text: &str) -> Result<Ruler, String> {
    let number = text.parse().ok();
    number.and_then(Ruler::from_number).ok_or_else(|| "a ruler is 0, 1 or 2".to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    let is_plain =
        |rest: &&str| rest.len() <= PUBLIC_URL_OCTETS_MAX && !rest.contains(['#', '?', '@', ' ', '\\']);
    let rest = text.strip_prefix("https://").filter(is_plain);
    let rest = rest.filter(|rest| !rest.chars().any(|c| c.is_control() || is_invisible(c)));
    let authority = rest.and_then(|rest| rest.split('/').next());
    let is_reachable = authority.is_some_and(|authority| match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => !host.is_empty() && port.parse::<NonZeroU16>().is_ok(),
        _ => !authority.is_empty(),
    });
    if is_reachable {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err("a public URL is https://HOST[:PORT][/PATH]".to_owned())
}

/// With the pin it still is a route that a charter takes.
const PUBLIC_URL_OCTETS_MAX: usize = 400;

fn start_diagnostics() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("COULOIR_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Another subscriber may be set up already by the program that hides this command.
    let _ = subscriber.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_one_that_a_charter_takes() {
        for url in ["https://relay.example", "https://[::1]:7443", "https://relay.example:7443/couloir/"] {
            assert_eq!(public_url(url).as_deref(), Ok(url.trim_end_matches('/')));
        }
        let long = format!("https://{}", "a".repeat(500));
        let wrong =
            ["http://x", "https://", "https://:1", "https://x:0", "https://x:99999", "https://u@x", &long];
        for url in wrong.into_iter().chain(["https://x#pin=00", "https://a\u{202E}b", "https://a\nb"]) {
            assert!(public_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn json_may_stand_before_the_command() {
        let args = ["couloir-relay", "--json", "run", "--data", "x", "--listen", "127.0.0.1:0"];
        assert!(Program::try_parse_from(args).is_ok_and(|program| program.json));
    }
}
