//! `cargo xtask test`: what continuous integration checks, and nothing else.
//!
//! First the machine is made ready (or what is missing is said), then the cheap checks run, then the
//! example on network namespaces, and last the tests, so that their closing lines are the last thing
//! before the table of steps.

use std::path::Path;

use crate::record;
use crate::steps::{self, Outcome, Steps};
use crate::tidy;

/// Which steps to run.
#[derive(clap::Args)]
pub struct Args {
    /// Install nothing, even as root.
    #[arg(long)]
    no_install: bool,
    /// Only the tests whose name contains this; the other steps are left out.
    filter: Option<String>,
}

/// A program of the machine that we need, and Debian's package for it.
struct Tool {
    program: &'static str,
    package: &'static str,
    needed_for: &'static str,
}

/// Without these nothing builds.
const BUILD_TOOLS: [Tool; 3] = [
    Tool {
        program: "gcc",
        package: "gcc libc6-dev",
        needed_for: "the C parts of SQLCipher, OpenSSL and AWS-LC",
    },
    Tool { program: "make", package: "make", needed_for: "building OpenSSL" },
    Tool { program: "perl", package: "perl", needed_for: "configuring OpenSSL" },
];

/// Without these some tests are left out.
const TEST_TOOLS: [Tool; 7] = [
    Tool {
        program: "python3",
        package: "python3 python3-venv",
        needed_for: "checking records with others' software",
    },
    Tool { program: "strace", package: "strace", needed_for: "killing a node at chosen system calls" },
    Tool { program: "ip", package: "iproute2", needed_for: "the example on network namespaces" },
    Tool { program: "tcpdump", package: "tcpdump", needed_for: "comparing idle and busy traffic" },
    Tool { program: "chromium", package: "chromium", needed_for: "the desk's page in real browsers" },
    Tool { program: "pdftotext", package: "poppler-utils", needed_for: "reading the record on paper" },
    Tool { program: "chromedriver", package: "chromium-driver", needed_for: "driving them" },
];

/// Fonts that the record on paper and pictures of pages need, as fontconfig asks for them. Browsers bring fontconfig, but not these.
const FONTS: [&str; 3] = [":lang=ja", ":lang=zh-cn", ":lang=und-zsye"];
const FONT_PACKAGES: &str = "fontconfig fonts-noto-cjk fonts-noto-color-emoji";

const CLIPPY: [&str; 9] = [
    "cargo",
    "clippy",
    "--workspace",
    "--all-targets",
    "--locked",
    "--",
    "--deny=warnings",
    // Outside tests `tidy` forbids it; helpers of integration tests may unwrap.
    "--allow=clippy::unwrap_used",
    "--allow=clippy::items_after_test_module",
];

/// The simulator against bugs planted in engine and relay: each must be caught.
const PLANTED: [&str; 9] =
    ["cargo", "test", "--locked", "--package", "couloir-sim", "--features", "planted", "--test", "teeth"];

/// Scripts on network namespaces, and the programs that they need beside `ip`.
const EXAMPLES: [(&str, &str, &[&str]); 3] = [
    ("killed at system calls", "examples/two-organisations/kill.sh", &["strace"]),
    ("two organisations", "examples/two-organisations/run.sh", &[]),
    ("idle and busy traffic", "examples/two-organisations/cover.sh", &["tcpdump"]),
];

/// Runs every step; false if one failed.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    if !make_ready(args.no_install) {
        return Ok(false);
    }
    let mut steps = Steps::default();
    if args.filter.is_none() {
        steps.step("format", || steps::run(&["cargo", "fmt", "--all", "--check"]));
        steps.step("tidy", tidy_step);
        steps.step("clippy", || steps::run(&CLIPPY));
        steps.step("binaries", || steps::run(&["cargo", "build", "--workspace", "--bins", "--locked"]));
        steps.step("the record, by others' software", record::read_by_others);
        steps.step("calendars, by others' software", record::calendars_read_by_others);
        steps.step("reports, by others' software", record::reports_by_others);
        for (name, script, programs) in EXAMPLES {
            steps.step(name, || example(script, programs));
        }
        steps.step("documentation's examples", || {
            steps::run(&["cargo", "test", "--workspace", "--doc", "--locked", "--quiet"])
        });
    }
    steps.step("tests", || tests(args.filter.as_deref()));
    if args.filter.is_none() {
        steps.step("planted bugs", || steps::run(&PLANTED));
    }
    eprint!("\n{}", steps.table());
    Ok(steps.passed())
}

/// Installs what is missing, or says it; false if nothing could be built.
fn make_ready(no_install: bool) -> bool {
    let may_install = !no_install && is_root() && steps::works(&["apt-get", "--version"]);
    let mut ready = true;
    for tool in BUILD_TOOLS.iter().chain(&TEST_TOOLS) {
        if has(tool.program) || (may_install && install(tool.package) && has(tool.program)) {
            continue;
        }
        eprintln!(
            "missing: {} ({}); as root: apt-get install {}",
            tool.program, tool.needed_for, tool.package
        );
        ready &= TEST_TOOLS.iter().any(|optional| optional.program == tool.program);
    }
    if !(has_fonts() || (may_install && install(FONT_PACKAGES) && has_fonts())) {
        eprintln!("missing: fonts of every language; as root: apt-get install {FONT_PACKAGES}");
    }
    ready
}

/// Whether each of [`FONTS`] is there.
fn has_fonts() -> bool {
    FONTS.iter().all(|font| steps::output(&["fc-list", font]).is_some_and(|found| !found.is_empty()))
}

/// Installs Debian packages; false if that failed.
pub fn install(packages: &str) -> bool {
    eprintln!("installing {packages}");
    let words =
        |head: &[&'static str]| -> Vec<&str> { head.iter().copied().chain(packages.split(' ')).collect() };
    let install = words(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q"]);
    steps::works(&install) || (steps::works(&["apt-get", "update", "-q"]) && steps::works(&install))
}

/// Whether a program is on the path, or where Debian keeps root's programs.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}

/// Whether we may install packages and make network namespaces.
pub fn is_root() -> bool {
    steps::output(&["id", "-u"]).as_deref() == Some("0")
}

fn tidy_step() -> Outcome {
    match tidy::run(Path::new(".")) {
        Ok(true) => Outcome::Passed,
        Ok(false) => Outcome::Failed,
        Err(error) => {
            eprintln!("{error:#}");
            Outcome::Failed
        }
    }
}

/// A script on network namespaces.
fn example(script: &str, programs: &[&str]) -> Outcome {
    if !is_root() {
        return Outcome::Skipped("network namespaces need root".into());
    }
    if !namespaces_work() {
        return Outcome::Skipped("this machine makes no network namespaces".into());
    }
    if let Some(missing) = programs.iter().find(|program| !has(program)) {
        return Outcome::Skipped(format!("{missing} is missing"));
    }
    let binaries = steps::target().join("debug");
    steps::run(&["bash", script, "--binaries", &binaries.to_string_lossy()])
}

/// Whether a network namespace can be made (containers often may not).
fn namespaces_work() -> bool {
    let name = format!("couloir-probe-{}", std::process::id());
    steps::works(&["ip", "netns", "add", &name]) && steps::works(&["ip", "netns", "delete", &name])
}

/// The whole workspace's tests, simulator seeds among them.
fn tests(filter: Option<&str>) -> Outcome {
    let runner: &[&str] = if steps::works(&["cargo", "nextest", "--version"]) {
        &["cargo", "nextest", "run", "--workspace", "--locked", "--no-fail-fast"]
    } else {
        eprintln!("cargo-nextest is missing (cargo install cargo-nextest --locked): using cargo test");
        &["cargo", "test", "--workspace", "--lib", "--bins", "--tests", "--locked", "--no-fail-fast"]
    };
    let words: Vec<&str> = runner.iter().copied().chain(filter).collect();
    steps::run(&words)
}
