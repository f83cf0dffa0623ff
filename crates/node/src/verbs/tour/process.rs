//! Processes of this same program.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::words::{Code, Failure, Outcome};

/// A process that serves; killed when this is dropped.
pub struct Process(Child);

/// This program with `args`; the passphrase is in the file that `passphrase` names.
fn command(args: &[&str], passphrase: &Path) -> Outcome<Command> {
    let program = std::env::current_exe().map_err(|error| Failure::io(Path::new("couloir"), &error))?;
    let mut command = Command::new(program);
    command.args(args).env("COULOIR_PASSPHRASE_FILE", passphrase);
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

/// Runs a command to its end and returns what it answered.
pub fn answer(args: &[&str], passphrase: &Path) -> Outcome<String> {
    let mut command = command(args, passphrase)?;
    let output = command.stderr(Stdio::piped()).output().map_err(|error| broken(args, &error.to_string()))?;
    if !output.status.success() {
        return Err(broken(args, String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| broken(args, "its answer is not UTF-8"))
}

impl Process {
    /// Starts a command that serves, and waits for the line that it prints then.
    pub fn serve(args: &[&str], passphrase: &Path) -> Outcome<(Process, String)> {
        let mut child =
            command(args, passphrase)?.spawn().map_err(|error| broken(args, &error.to_string()))?;
        let stdout = child.stdout.take().ok_or_else(|| broken(args, "it has no stdout"))?;
        let process = Process(child);
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        match read {
            Ok(len) if len > 0 => Ok((process, line.trim_end().to_owned())),
            _ => Err(broken(args, "it ended before it served")),
        }
    }

    /// Kills it as a power cut would.
    pub fn kill(mut self) {
        // Dead already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to stop, and waits until it has. Whether it ended in order.
    pub fn stop(mut self) -> bool {
        let is_asked = Pid::from_raw(self.0.id().cast_signed())
            .is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        is_asked && self.0.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn broken(args: &[&str], why: &str) -> Failure {
    let verb = args.iter().take(2).copied().collect::<Vec<_>>().join(" ");
    Failure::new(
        Code::Failed,
        format!("couloir {verb} failed: {why}"),
        "repeat; if it happens again, report this",
    )
}
