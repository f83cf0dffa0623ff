//! Records and reports checked by software that shares no code with ours: `reader.py` and `check.py` in `testdata/`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::steps::{self, Outcome};

const FOLDER: &str = "testdata/record";
const CALENDARS: &str = "testdata/calendar";
const REPORTS: &str = "testdata/reports";

/// The vectors, and a record that ours writes afresh, as another implementation finds them.
pub fn read_by_others() -> Outcome {
    with_python(FOLDER, check)
}

/// A report between two desks, as PyPI's STIX and TAXII software reads what comes out. The binaries are built.
pub fn reports_by_others() -> Outcome {
    with_python(REPORTS, |python| {
        let couloir = steps::target().join("debug/couloir");
        Ok(steps::run(&[text(python)?, "-B", &format!("{REPORTS}/check.py"), text(&couloir)?]))
    })
}

fn with_python(folder: &str, check: fn(&Path) -> anyhow::Result<Outcome>) -> Outcome {
    let python = match python_of(folder) {
        Ok(python) => python,
        Err(error) => return Outcome::Skipped(format!("{error:#}")),
    };
    check(&python).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        Outcome::Failed
    })
}

/// Calendars of meetings, as another implementation of RFC 5545 reads them.
pub fn calendars_read_by_others() -> Outcome {
    with_python(CALENDARS, |python| Ok(steps::run(&[text(python)?, "-B", &format!("{CALENDARS}/reader.py")])))
}

fn check(python: &Path) -> anyhow::Result<Outcome> {
    let fresh = tempfile::tempdir()?;
    let folder = text(fresh.path())?;
    let write = [
        "cargo",
        "run",
        "--quiet",
        "--locked",
        "-p",
        "couloir-talks",
        "--example",
        "fresh_record",
        "--",
        folder,
    ];
    ensure!(steps::run(&write) == Outcome::Passed, "no fresh record was written");
    let list = fresh.path().join("fresh.json");
    let reader = format!("{FOLDER}/reader.py");
    Ok(steps::run(&[text(python)?, "-B", &reader, "--vectors", text(&list)?]))
}

/// A Python with the packages of `requirements.txt`, in a folder of its own; kept while they stay the same.
fn python_of(of: &str) -> anyhow::Result<PathBuf> {
    let wanted = format!("{of}/requirements.txt");
    let folder = steps::target().join(of.replace("testdata/", "") + "-venv");
    let (python, installed) = (folder.join("bin/python"), folder.join("requirements.txt"));
    if std::fs::read(&wanted)? == std::fs::read(&installed).unwrap_or_default() {
        return Ok(python);
    }
    let made = steps::works(&["python3", "-m", "venv", text(&folder)?]);
    ensure!(made, "python3 makes no environment (Debian: python3-venv)");
    let install = [text(&python)?, "-m", "pip", "install", "--quiet", "--requirement", &wanted];
    ensure!(steps::run(&install) == Outcome::Passed, "PyPI's packages of {wanted} cannot be had");
    std::fs::copy(&wanted, &installed)?;
    Ok(python)
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path in UTF-8")
}
