//! Figures, sections, and the document that keeps them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use crate::steps;

/// One thing measured, beside its peer or limit.
#[derive(Debug)]
pub struct Figure {
    what: String,
    ours: String,
    beside: String,
    aim: String,
    verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The aim is reached.
    Held,
    /// It is not.
    Short,
    /// There is no aim.
    Told,
}

impl Figure {
    /// A figure with an aim that `held` or did not.
    pub fn aimed(what: &str, ours: String, beside: impl Into<String>, aim: &str, held: bool) -> Figure {
        let verdict = if held { Verdict::Held } else { Verdict::Short };
        Figure { what: what.into(), ours, beside: beside.into(), aim: aim.into(), verdict }
    }

    /// A figure in `unit` that should be at most `max`, told with so many digits.
    pub fn at_most(
        what: &str,
        ours: f64,
        (unit, digits): (&str, usize),
        beside: impl Into<String>,
        max: f64,
    ) -> Figure {
        let aim = format!("at most {max} {unit}");
        Figure::aimed(what, format!("{ours:.digits$} {unit}"), beside, &aim, ours <= max)
    }

    /// A figure that is only told.
    pub fn told(what: &str, ours: String, beside: impl Into<String>) -> Figure {
        Figure { what: what.into(), ours, beside: beside.into(), aim: String::new(), verdict: Verdict::Told }
    }

    fn row(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Held => "reached",
            Verdict::Short => "**short**",
            Verdict::Told => "",
        };
        format!("| {} | {} | {} | {} | {verdict} |\n", self.what, self.ours, self.beside, self.aim)
    }
}

/// What one bench found.
#[derive(Debug, Default)]
pub struct Section {
    title: String,
    figures: Vec<Figure>,
    notes: Vec<String>,
    failure: Option<String>,
}

impl Section {
    /// An empty section.
    pub fn new(title: &str) -> Section {
        Section { title: title.into(), ..Section::default() }
    }

    /// A bench that could not run to its end.
    pub fn failed(name: &str, error: &anyhow::Error) -> Section {
        Section { title: name.into(), failure: Some(format!("{error:#}")), ..Section::default() }
    }

    /// Adds a figure.
    pub fn figure(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Adds a sentence on how it was measured, or on what is missing.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Whether every aim was reached.
    pub fn held(&self) -> bool {
        self.failure.is_none() && self.figures.iter().all(|figure| figure.verdict != Verdict::Short)
    }

    /// As Markdown.
    pub fn text(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.title, circumstances());
        if let Some(failure) = &self.failure {
            let _ = writeln!(text, "Not measured: {failure}\n");
        }
        if !self.figures.is_empty() {
            text.push_str("| what | ours | peer or limit of the same run | aim | |\n|---|---|---|---|---|\n");
            text.extend(self.figures.iter().map(Figure::row));
            text.push('\n');
        }
        text.extend(self.notes.iter().map(|note| format!("* {note}\n")));
        text
    }
}

/// The document: its sections by the name of their bench.
#[derive(Debug, Default)]
pub struct Report {
    sections: BTreeMap<String, String>,
}

const HEAD: &str = "# Benchmarks\n\nWritten by `cargo xtask bench`. Each figure stands beside its peer or limit of \
the same run on the same machine; compare nothing across sections of different dates or loads.\n";
const MARK: &str = "<!-- bench: ";

impl Report {
    /// Reads the document; empty if there is none.
    pub fn read(path: &str) -> anyhow::Result<Report> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Report::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Report::default()),
            Err(error) => Err(error.into()),
        }
    }

    fn parse(text: &str) -> Report {
        let parts = text.split(MARK).skip(1).filter_map(|part| part.split_once(" -->\n"));
        Report { sections: parts.map(|(name, body)| (name.to_owned(), body.trim_end().to_owned())).collect() }
    }

    /// Replaces a bench's section.
    pub fn put(&mut self, name: &str, section: &Section) {
        self.sections.insert(name.to_owned(), section.text().trim_end().to_owned());
    }

    /// Writes the document.
    pub fn write(&self, path: &str) -> anyhow::Result<()> {
        Ok(fs::write(path, self.document())?)
    }

    fn document(&self) -> String {
        let sections = self.sections.iter().map(|(name, body)| format!("\n{MARK}{name} -->\n{body}\n"));
        HEAD.chars().chain(sections.collect::<String>().chars()).collect()
    }
}

/// Date, processor and load of this run.
fn circumstances() -> String {
    let date = steps::output(&["date", "-u", "+%Y-%m-%d %H:%M UTC"]).unwrap_or_default();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("");
    format!("{date}, {count} x {model}, load at the end {load}.")
}

/// The value at `percent` of sorted values; the greatest for 100.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(held: bool) -> Section {
        let mut section = Section::new("Relay");
        section.figure(Figure::aimed("rate", "1".into(), "2", "3", held));
        section
    }

    #[test]
    fn a_figure_that_falls_short_shows_and_fails() {
        assert!(section(true).held());
        assert!(!section(false).held());
        assert!(section(false).text().contains("**short**"));
    }

    #[test]
    fn the_document_keeps_the_sections_of_benches_that_did_not_run() {
        let mut report = Report::default();
        report.put("relay", &section(true));
        let mut again = Report::parse(&report.document());
        again.put("idle", &Section::new("Idle"));
        let last = Report::parse(&again.document());
        assert_eq!(last.sections.len(), 2);
        assert!(last.sections["relay"].starts_with("## Relay"));
    }

    #[test]
    fn percentiles_are_of_the_values() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 50), 51.0);
        assert_eq!(percentile(&values, 99), 100.0);
        assert_eq!(percentile(&[7.0], 99), 7.0);
    }
}
