//! A disk that is full and a disk that cannot sync, made by the system's own tools. Where `strace` or
//! user namespaces are missing the test says so and proves nothing.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use couloir_wire::exchange::{CellSize, PutOutcome};
use support::{RelayProcess, cell, exchange};

const RELAY: &str = env!("CARGO_BIN_EXE_couloir-relay");

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_the_relay_ends_with_words() {
    if !works("strace", &["-V"]) {
        return println!("not proved: strace is missing");
    }
    let data = tempfile::tempdir().expect("a folder");
    let words = data.path().join("words");
    let relay = RelayProcess::spawn(traced(data.path(), &words), &data.path().join("data"), &[]);
    let mut client = relay.client();
    let answers: Vec<_> = (0..5).map(|number| client.exchange(&exchange(number, &[0, 1]))).collect();
    let kept = answers.iter().take_while(|answer| answer.is_ok()).count();
    assert_eq!(kept, 2, "the third sync fails");
    assert_eq!(relay.wait(), Some(1));
    let words = std::fs::read_to_string(words).expect("words");
    assert!(words.contains("so nothing more is acknowledged; check the disk and start again"), "{words}");
    let relay = RelayProcess::start(&data.path().join("data"), &[]);
    let answer = relay.client().exchange(&exchange(9, &[0, 1])).expect("answered");
    assert!(answer.gets.iter().all(Option::is_some), "what was acknowledged is there");
}

#[test]
fn on_a_full_disk_cells_are_refused_and_reading_goes_on() {
    if !works("unshare", &["-rm", "true"]) {
        return println!("not proved: user namespaces are missing");
    }
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::spawn(on_small_disk(data.path()), data.path(), &[]);
    let mut client = relay.client();
    let mut put = |number| client.exchange(&exchange(number, &[0, 3])).expect("answered");
    let refused = (0..4_000).find(|number| put(*number).puts == [PutOutcome::Refused]).expect("full");
    assert!(refused > 300, "{refused}");
    let both = [0, 3].map(|number| Some(cell(number, CellSize::DEFAULT)));
    let answer = put(5_000);
    assert_eq!((answer.puts, answer.gets), (vec![PutOutcome::Refused], both.to_vec()));
    assert_eq!(relay.stop(), Some(0));
}

/// The relay's binary under strace, which fails its third `fdatasync`; its talk goes into `words`.
fn traced(folder: &Path, words: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=3"]);
    command.arg("-o").arg(folder.join("trace")).arg(RELAY);
    command.stderr(std::fs::File::create(words).expect("a file"));
    command
}

/// The relay's binary with `data` on a disk of 4 MiB of its own.
fn on_small_disk(data: &Path) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("mount -t tmpfs -o size=4m none {} && exec {RELAY} \"$@\"", data.display());
    command.args(["-rm", "sh", "-c", &script, "relay"]);
    command
}

fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
