//! The stage: two homes, two relays, a folder, two nodes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::draw::Stagehand;
use super::process::{Process, answer};
use crate::cli::home_args::HomeArgs;
use crate::home::{Home, write_private};
use crate::keys;
use crate::words::{Code, Failure, Outcome};

/// Whose office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum City {
    /// The side that invites.
    Tokyo,
    /// The side that is invited.
    Beijing,
}

impl City {
    /// Both.
    pub const ALL: [City; 2] = [City::Tokyo, City::Beijing];

    /// The other one.
    pub fn other(self) -> City {
        match self {
            City::Tokyo => City::Beijing,
            City::Beijing => City::Tokyo,
        }
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            City::Tokyo => "Tokyo",
            City::Beijing => "Beijing",
        }
    }

    fn side(self) -> &'static str {
        match self {
            City::Tokyo => "日本",
            City::Beijing => "中国",
        }
    }

    fn post(self) -> &'static str {
        match self {
            City::Tokyo => "外務省連絡課長",
            City::Beijing => "外交部联络处处长",
        }
    }
}

/// Where the offices' things lie; shared with whoever talks and watches.
pub struct Place {
    folder: PathBuf,
    passphrase: PathBuf,
    is_up: [AtomicBool; 2],
}

/// Everything that runs.
pub struct Stage {
    place: std::sync::Arc<Place>,
    relays: [Relay; 2],
    nodes: [Option<Process>; 2],
    folder: TempDir,
}

struct Relay {
    data: PathBuf,
    url: String,
    number: usize,
    process: Option<Process>,
}

impl Place {
    /// The home of a city's node.
    pub fn home(&self, city: City) -> PathBuf {
        self.folder.join(city.word().to_lowercase())
    }

    /// A city's home, as commands name it.
    pub fn home_args(&self, city: City) -> HomeArgs {
        HomeArgs::of(self.home(city), self.passphrase.clone())
    }

    /// The socket of a city's node.
    pub fn socket(&self, city: City) -> PathBuf {
        self.home(city).join("socket")
    }

    /// Whether a city's node runs.
    pub fn is_up(&self, city: City) -> bool {
        self.is_up[city as usize].load(Ordering::SeqCst)
    }

    /// Runs a command for a city's home, and returns its answer.
    pub fn command(&self, city: City, args: &[&str]) -> Outcome<String> {
        let home = self.home(city);
        answer(&[args, &["--home", text(&home)?]].concat(), &self.passphrase)
    }

    /// A file beside the homes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder that both nodes use as a route, and where it is while it is away.
    fn drop_box(&self) -> [PathBuf; 2] {
        ["folder", "folder-away"].map(|name| self.folder.join(name))
    }
}

impl Stage {
    /// Sets everything up, until both desks have compared the phrase.
    pub fn set_up(hand: &Stagehand) -> Outcome<Stage> {
        let folder = tempfile::Builder::new().prefix("couloir-tour-").tempdir();
        let folder = folder.map_err(|error| Failure::io(Path::new("the temporary folder"), &error))?;
        let place = std::sync::Arc::new(place_in(folder.path())?);
        let relays = [Relay::start(&place, 0)?, Relay::start(&place, 1)?];
        let mut stage = Stage { place, relays, nodes: [None, None], folder };
        stage.agree()?;
        City::ALL.into_iter().try_for_each(|city| stage.start_node(city))?;
        hand.act("both nodes serve; first contact over all routes");
        stage.compare_phrases(hand)?;
        Ok(stage)
    }

    /// What whoever talks and watches needs.
    pub fn place(&self) -> std::sync::Arc<Place> {
        self.place.clone()
    }

    /// Name and URL of each route.
    pub fn routes(&self) -> [(&'static str, String); 3] {
        let [folder, _] = self.place.drop_box();
        let [one, two] = [0, 1].map(|number| self.relays[number].url.clone());
        [("relay 1", one), ("relay 2", two), ("folder", format!("folder:{}", folder.display()))]
    }

    fn agree(&self) -> Outcome {
        for city in City::ALL {
            self.place.command(city, &["init", "--side", city.side(), "--post", city.post()])?;
        }
        let routes = self.routes();
        let urls = routes.iter().flat_map(|(_, url)| ["--route", url.as_str()]);
        let create: Vec<&str> = ["channel", "create", "--name", "静かな回線", "--window", WINDOW]
            .into_iter()
            .chain(urls)
            .collect();
        self.place.command(City::Tokyo, &create)?;
        let invitation = self.place.folder.join("invitation");
        let path = text(&invitation)?;
        self.place.command(City::Tokyo, &["invite", "--for", City::Beijing.side(), "--out", path])?;
        self.place.command(City::Beijing, &["join", path])?;
        Ok(())
    }

    fn compare_phrases(&self, hand: &Stagehand) -> Outcome {
        let [tokyo, beijing] =
            City::ALL.map(|city| self.place.command(city, &["phrase", "--wait", "--json"]));
        let (tokyo, beijing) = (tokyo?, beijing?);
        if tokyo != beijing {
            return Err(Failure::new(Code::Integrity, "the two desks read different phrases", "report this"));
        }
        let phrase: crate::clerk::phrase::Phrase = serde_json::from_str(&tokyo)
            .map_err(|error| Failure::new(Code::Failed, format!("no phrase: {error}"), "report this"))?;
        let symbols: Vec<String> = phrase.symbols.into_iter().map(|symbol| symbol.symbol).collect();
        hand.act(&format!("both desks read the same phrase: {}", symbols.join(" ")));
        City::ALL.into_iter().try_for_each(|city| self.place.command(city, &["verify"]).map(drop))
    }

    /// Kills a relay as a power cut would; its sockets break.
    pub fn kill_relay(&mut self, number: usize) {
        if let Some(process) = self.relays[number].process.take() {
            process.kill();
        }
    }

    /// Starts a killed relay again, on the same port and with what it had stored.
    pub fn revive_relay(&mut self, number: usize) -> Outcome {
        let listen = address_of(&self.relays[number].url).to_owned();
        self.relays[number].serve(&self.place, &listen)
    }

    /// Moves the shared folder away.
    pub fn take_folder_away(&self) -> Outcome {
        let [here, away] = self.place.drop_box();
        std::fs::rename(&here, &away).map_err(|error| Failure::io(&here, &error))
    }

    /// Brings the shared folder back.
    pub fn bring_folder_back(&self) -> Outcome {
        let [here, away] = self.place.drop_box();
        std::fs::rename(&away, &here).map_err(|error| Failure::io(&away, &error))
    }

    /// Starts a city's node, and waits until it serves.
    pub fn start_node(&mut self, city: City) -> Outcome {
        let home = self.place.home(city);
        let (process, _) = Process::serve(&["run", "--home", text(&home)?], &self.place.passphrase)?;
        self.nodes[city as usize] = Some(process);
        self.place.is_up[city as usize].store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Kills a city's node as a power cut would.
    pub fn kill_node(&mut self, city: City) {
        self.place.is_up[city as usize].store(false, Ordering::SeqCst);
        if let Some(process) = self.nodes[city as usize].take() {
            process.kill();
        }
    }

    /// Says a note at a city whose node is down, then puts its disk back to what it was before.
    pub fn lose_a_note(&self, city: City, say: impl FnOnce() -> Outcome) -> Outcome {
        let home = Home::open(&self.place.home(city))?;
        let store = home.store_path();
        let log = store.with_extension("db-wal");
        let before = [&store, &log].map(|path| (path.clone(), std::fs::read(path).ok()));
        say()?;
        before.into_iter().try_for_each(|(path, octets)| put_back(&path, octets))
    }

    /// Stops everything in order.
    pub fn tear_down(mut self) -> Outcome {
        let is_clean = self.nodes.iter_mut().filter_map(Option::take).all(Process::stop);
        if !is_clean {
            return Err(Failure::new(Code::Failed, "a node did not stop in order", "report this"));
        }
        self.folder.close().map_err(|error| Failure::io(Path::new("the temporary folder"), &error))
    }
}

fn put_back(path: &Path, octets: Option<Vec<u8>>) -> Outcome {
    let put = match octets {
        Some(octets) => std::fs::write(path, octets),
        None if path.exists() => std::fs::remove_file(path),
        None => Ok(()),
    };
    put.map_err(|error| Failure::io(path, &error))
}

fn place_in(folder: &Path) -> Outcome<Place> {
    let passphrase = folder.join("passphrase");
    let octets: [u8; 16] = keys::random()?;
    let written = write_private(&passphrase, keys::hex(&octets).as_bytes());
    written.map_err(|error| Failure::io(&passphrase, &error))?;
    let place = Place {
        folder: folder.to_path_buf(),
        passphrase,
        is_up: [AtomicBool::new(false), AtomicBool::new(false)],
    };
    let [folder, _] = place.drop_box();
    std::fs::create_dir(&folder).map_err(|error| Failure::io(&folder, &error))?;
    Ok(place)
}

impl Relay {
    fn start(place: &Place, number: usize) -> Outcome<Relay> {
        let data = place.folder.join(format!("relay-{}", number + 1));
        let mut relay = Relay { data, url: String::new(), number, process: None };
        relay.serve(place, "127.0.0.1:0")?;
        Ok(relay)
    }

    fn serve(&mut self, place: &Place, listen: &str) -> Outcome {
        let ruler = self.number.to_string();
        let args = ["relay", "run", "--data", text(&self.data)?, "--listen", listen, "--ruler", &ruler];
        let (process, line) = Process::serve(&args, &place.passphrase)?;
        self.process = Some(process);
        self.url = line.trim_start_matches("ready ").to_owned();
        Ok(())
    }
}

fn address_of(url: &str) -> &str {
    let rest = url.trim_start_matches("https://");
    rest.split(['#', '/']).next().unwrap_or(rest)
}

fn text(path: &Path) -> Outcome<&str> {
    path.to_str()
        .ok_or_else(|| Failure::usage("the temporary folder's path is not valid UTF-8", "set TMPDIR"))
}

/// Of all routes: short, so that there is something to see.
const WINDOW: &str = "200ms";
