//! What happens, drawn as it happens, or printed line by line.
//!
//! Arrivals scroll by; below them stay a line per route and one per node, whose columns are equal
//! shares of the time. A route's column is filled if cells came through it just then, as the nodes
//! themselves report it.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, sleep};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::notes::{Note, Notes};
use super::stage::{City, Place, Stage};
use crate::clerk::glance::Glance;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::socket::client::Client;

/// Shows what happens.
#[derive(Clone)]
pub struct Stagehand {
    out: Out,
    lines: Option<MultiProgress>,
}

/// The drawing, going on.
pub struct Drawing {
    is_over: Arc<AtomicBool>,
}

impl Stagehand {
    /// Draws where a person looks on, prints lines else; with `--json` only the count is answered.
    pub fn new(out: Out, is_headless: bool) -> Stagehand {
        let draws = !is_headless && !out.is_json() && std::io::stderr().is_terminal();
        let lines = draws.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)));
        Stagehand { out, lines }
    }

    /// Tells of something that was done to the stage.
    pub fn act(&self, words: &str) {
        self.line(&format!("      ── {words}"));
    }

    fn line(&self, words: &str) {
        match &self.lines {
            // A terminal that cannot be written to shows nothing; the count is answered all the same.
            Some(lines) => drop(lines.println(words)),
            None if self.out.is_json() => {}
            None => self.out.say(words),
        }
    }

    /// Begins to show notes and routes.
    pub fn begin<'s>(
        &self,
        scope: &'s Scope<'s, '_>,
        stage: &Stage,
        notes: &Arc<Notes>,
        length: Duration,
    ) -> Drawing {
        let is_over = Arc::new(AtomicBool::new(false));
        let (hand, place, notes, over) = (self.clone(), stage.place(), notes.clone(), is_over.clone());
        let mut chart = Chart::new(self.lines.as_ref(), stage, length);
        scope.spawn(move || {
            while !over.load(Ordering::SeqCst) {
                chart.look(&place, &notes);
                notes.news().iter().for_each(|(note, at_ms)| hand.line(&arrival(note, *at_ms)));
                sleep(LOOK);
            }
            notes.news().iter().for_each(|(note, at_ms)| hand.line(&arrival(note, *at_ms)));
            chart.finish();
        });
        Drawing { is_over }
    }

    /// Leaves the drawing as it is.
    pub fn finish(&self) {
        self.act("the offices have finished");
    }
}

impl Drawing {
    /// Ends it.
    pub fn end(self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

fn arrival(note: &Note, at_ms: u64) -> String {
    let (from, to) = (note.from.word(), note.from.other().word());
    let wait_ms = at_ms.saturating_sub(note.said_ms);
    format!(
        "said {} → arrived {}  {wait_ms:>6} ms  {from:>7} → {to:<7}  {}",
        clock(note.said_ms),
        clock(at_ms),
        note.text
    )
}

fn clock(ms: u64) -> String {
    format!("{:02}:{:02}.{:03}", ms / 60_000, ms / 1_000 % 60, ms % 1_000)
}

/// The lines that stay.
struct Chart {
    routes: Vec<Row>,
    nodes: Vec<(City, Row)>,
    total: ProgressBar,
    length: Duration,
}

struct Row {
    bar: ProgressBar,
    label: &'static str,
    url: String,
    columns: String,
}

impl Chart {
    fn new(lines: Option<&MultiProgress>, stage: &Stage, length: Duration) -> Chart {
        let routes = stage.routes().into_iter().map(|(label, url)| Row::new(lines, label, url)).collect();
        let nodes = City::ALL.map(|city| (city, Row::new(lines, city.word(), String::new())));
        Chart { routes, nodes: nodes.into(), total: bar(lines), length }
    }

    /// Looks at the stage, and fills the columns up to now.
    fn look(&mut self, place: &Place, notes: &Notes) {
        let now_ms = notes.now_ms();
        let columns = (u128::from(now_ms) * COLUMNS / self.length.as_millis().max(1)).min(COLUMNS) as usize;
        let glances: Vec<Glance> = City::ALL.iter().filter_map(|city| glance(place, *city)).collect();
        for row in &mut self.routes {
            let is_through = glances.iter().any(|glance| is_through(glance, &row.url));
            row.fill(columns, if is_through { '━' } else { '·' });
        }
        for (city, row) in &mut self.nodes {
            row.fill(columns, if place.is_up(*city) { '█' } else { '·' });
        }
        let (said, arrived) = notes.totals();
        self.total.set_message(format!("{}  said {said}  arrived {arrived}", clock(now_ms)));
    }

    fn finish(&self) {
        let bars = self.routes.iter().chain(self.nodes.iter().map(|(_, row)| row)).map(|row| &row.bar);
        bars.chain([&self.total]).for_each(ProgressBar::abandon);
    }
}

impl Row {
    fn new(lines: Option<&MultiProgress>, label: &'static str, url: String) -> Row {
        Row { bar: bar(lines), label, url, columns: String::new() }
    }

    fn fill(&mut self, columns: usize, mark: char) {
        while self.columns.chars().count() < columns {
            self.columns.push(mark);
        }
        self.bar.set_message(format!("{:<8} {}", self.label, self.columns));
    }
}

fn bar(lines: Option<&MultiProgress>) -> ProgressBar {
    let Some(lines) = lines else { return ProgressBar::hidden() };
    let bar = lines.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar
}

fn glance(place: &Place, city: City) -> Option<Glance> {
    let mut client = Client::connect(&place.socket(city)).ok()??;
    let answer = client.ask(&Request::Status, &mut |_| Ok(())).ok()?;
    serde_json::from_value(answer).ok()
}

/// Whether a cell came over the route within the last second and a half.
fn is_through(glance: &Glance, url: &str) -> bool {
    let ms = |at: &str| at.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
    let last_in =
        glance.routes.iter().find(|route| route.url == url).and_then(|route| route.last_in.as_deref());
    let age = last_in.and_then(ms).zip(ms(&glance.at)).map(|(last_in, now)| now - last_in);
    age.is_some_and(|age_ms| age_ms < FRESH_MS)
}

const COLUMNS: u128 = 60;
const LOOK: Duration = Duration::from_millis(100);
const FRESH_MS: i64 = 1_500;
