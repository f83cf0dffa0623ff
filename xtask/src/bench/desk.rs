//! The desk with years of work in its store: pages, search, start, memory, and what one desk shows of the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::idle::resident_mebibytes;
use super::offices::{Office, Offices, wait_until};
use super::report::{Figure, Section};
use super::{Place, direct};

const PAGE_MS_MAX: f64 = 50.0;
const START_S_MAX: f64 = 1.0;
const MEBIBYTES_MAX: f64 = 200.0;
const SHOWN_MS_MAX: f64 = 150.0;
const WEIGHT_KB_MAX: f64 = 150.0;

/// Fills one of two desks, and asks it for pages as a browser does.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let (entries, rounds) = if place.is_quick { (20_000, 10) } else { (1_000_000, 40) };
    let mut section = Section::new(&format!("The desk with {entries} entries in its store"));
    let mut offices = direct::offices(place)?;
    offices.tokyo.stop()?;
    let began = Instant::now();
    offices.tokyo.ask(&["furnish", "--entries", &entries.to_string()])?;
    let made_s = began.elapsed().as_secs_f64();
    let began = Instant::now();
    offices.tokyo.start()?;
    let start_s = began.elapsed().as_secs_f64();
    section.figure(Figure::at_most("start of the node, until `ready`", start_s, ("s", 2), "", START_S_MAX));
    let tokyo = Page::open(&offices.tokyo)?;
    pages(&mut section, &tokyo, &offices.tokyo, rounds)?;
    shown(&mut section, &offices, &tokyo, rounds)?;
    let mebibytes = resident_mebibytes(offices.tokyo.process()?)?;
    section.figure(Figure::at_most("resident memory afterwards", mebibytes, ("MiB", 0), "", MEBIBYTES_MAX));
    weights(&mut section, &tokyo)?;
    let octets = std::fs::metadata(offices.tokyo.home.join("store.db")).map_or(0, |found| found.len());
    section.note(format!(
        "Made and indexed in {made_s:.0} s; the store has {:.0} MB: 200 conversations, 2,000 cases and 20,000 reports among the entries.",
        octets as f64 / 1e6
    ));
    section.note("Pages by a client of the page over loopback, connection included, median of the rounds.");
    Ok(section)
}

fn pages(section: &mut Section, page: &Page, office: &Office, rounds: usize) -> anyhow::Result<()> {
    let listed = office.ask(&["conversation", "list"])?;
    let place = listed["conversations"][7]["id"].as_str().context("a conversation")?.to_owned();
    let thread = format!("thread?conversation={place}&before=900");
    let wanted = [
        ("first page", "desk".to_owned()),
        ("conversations", "conversations".to_owned()),
        ("a thread", thread),
        ("a search of two characters", "search?q=%E6%9F%BB%E8%A8%BC".to_owned()),
        ("a search of one character", "search?q=%E7%9E%8B".to_owned()),
        (
            "two characters, of one kind in one month",
            "search?q=%E6%9F%BB%E8%A8%BC&kind=report&from=2023-05-01&until=2023-05-31".to_owned(),
        ),
    ];
    for (what, address) in wanted {
        let times = (0..rounds).map(|_| page.time(&address)).collect::<Result<Vec<_>, _>>()?;
        let (median, longest) = (median(times.clone()), times.iter().copied().fold(0.0, f64::max));
        let longest = format!("longest {longest:.0} ms");
        section.figure(Figure::at_most(what, median, ("ms", 1), longest, PAGE_MS_MAX));
    }
    Ok(())
}

/// From the form of one desk to the page of the other, both ways.
fn shown(section: &mut Section, offices: &Offices, tokyo: &Page, rounds: usize) -> anyhow::Result<()> {
    let beijing = Page::open(&offices.beijing)?;
    wait_until("the link is alive again", || {
        Ok(offices.beijing.ask(&["status"])?["peers"][0]["link"] == "alive")
    })
    .or_else(|_| anyhow::Ok(()))?;
    for (what, from, to) in [("from the large desk", tokyo, &beijing), ("to the large desk", &beijing, tokyo)]
    {
        let mut events = to.follow()?;
        let mut times = Vec::new();
        for round in 0..rounds {
            let text = format!("{what} {round}.").replace(' ', "-");
            let began = Instant::now();
            from.say(&text)?;
            while !to.get("thread")?.contains(&text) {
                events.wait_for_change()?;
            }
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let (longest, median) = (times.iter().copied().fold(0.0, f64::max), median(times));
        let what = format!("sent on one page to shown on the other, {what}");
        let longest = format!("longest {longest:.0} ms");
        section.figure(Figure::at_most(&what, median, ("ms", 0), longest, SHOWN_MS_MAX));
    }
    Ok(())
}

fn weights(section: &mut Section, page: &Page) -> anyhow::Result<()> {
    let assets = ["desk.css", "desk.js", "icon.svg"].map(|name| page.get(name).map(|text| text.len()));
    let assets: usize = assets.into_iter().sum::<anyhow::Result<usize>>()?;
    for name in ["desk", "thread", "conversations"] {
        let kilobytes = (page.get(name)?.len() + assets) as f64 / 1e3;
        let what = format!("weight of {name}, style and script included");
        section.figure(Figure::at_most(&what, kilobytes, ("kB", 0), "", WEIGHT_KB_MAX));
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A browser's session with a page.
struct Page {
    host: String,
    folder: String,
    cookie: String,
}

impl Page {
    /// Comes in by a link.
    fn open(office: &Office) -> anyhow::Result<Page> {
        let answer = office.ask(&["open"])?;
        let url = answer["url"].as_str().context("a link")?;
        let (host, path) =
            url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).context("an address")?;
        let (folder, enter) = path.split_once('/').context("a folder")?;
        let mut page = Page { host: host.to_owned(), folder: folder.to_owned(), cookie: String::new() };
        let answer = page.ask("GET", enter, "")?;
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("a cookie")?;
        page.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(page)
    }

    fn get(&self, name: &str) -> anyhow::Result<String> {
        let answer = self.ask("GET", name, "")?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{name}: {}", answer.lines().next().unwrap_or_default());
        Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    fn time(&self, name: &str) -> anyhow::Result<f64> {
        let began = Instant::now();
        self.get(name)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    fn say(&self, text: &str) -> anyhow::Result<()> {
        let answer = self.ask("POST", "say", &format!("text={text}"))?;
        ensure!(answer.starts_with("HTTP/1.1 303"), "say: {answer}");
        Ok(())
    }

    /// What changes, as the page's script hears it.
    fn follow(&self) -> anyhow::Result<Events> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(self.head("GET", "events", "").as_bytes())?;
        Ok(Events(BufReader::new(stream)))
    }

    fn ask(&self, method: &str, name: &str, body: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.write_all(format!("{}{body}", self.head(method, name, body)).as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn head(&self, method: &str, name: &str, body: &str) -> String {
        let Page { host, folder, cookie } = self;
        format!(
            "{method} /{folder}/{name} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n\
             X-Desk-Look: visible\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )
    }
}

/// The page's events.
struct Events(BufReader<TcpStream>);

impl Events {
    fn wait_for_change(&mut self) -> anyhow::Result<()> {
        loop {
            let mut line = String::new();
            ensure!(self.0.read_line(&mut line)? > 0, "the page's events ended");
            if line.trim() == "event: change" {
                return Ok(());
            }
        }
    }
}
