//! What a client asks for of a collection (TAXII 2.1, sections 3.4 and 3.5).

use jiff::Timestamp;

use super::shelf::Shelved;

/// Filters and the page that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Only what was added after this.
    pub added_after: Option<Timestamp>,
    /// At most so many.
    pub limit: Option<usize>,
    /// Where the page begins.
    pub next: usize,
    /// Only these ids.
    pub ids: Vec<String>,
    /// Only these types.
    pub types: Vec<String>,
    /// Which versions; the newest if nothing is said.
    pub versions: Vec<Version>,
    /// Whether a version of STIX is asked for that no object has.
    pub is_other_spec: bool,
}

/// Which versions of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// All.
    All,
    /// The earliest.
    First,
    /// The newest.
    Last,
    /// This one.
    At(Timestamp),
}

/// A page of what was found.
pub struct Page<'s> {
    /// The objects.
    pub found: Vec<&'s Shelved>,
    /// Where the next page begins, if there is one.
    pub next: Option<usize>,
}

impl Query {
    /// Reads a query string; `None` if something in it is not understood.
    pub fn read(query: &str) -> Option<Query> {
        let mut read = Query::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let list = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
            match key.as_ref() {
                "added_after" => read.added_after = Some(value.parse().ok()?),
                "limit" => read.limit = Some(value.parse::<usize>().ok().filter(|limit| *limit > 0)?),
                "next" => read.next = value.parse().ok()?,
                "match[id]" => read.ids = list(),
                "match[type]" => read.types = list(),
                "match[version]" => read.versions = value.split(',').map(version).collect::<Option<_>>()?,
                "match[spec_version]" => read.is_other_spec = !list().iter().any(|version| version == "2.1"),
                // A server passes over what it does not know.
                _ => {}
            }
        }
        Some(read)
    }

    /// The objects that are wanted, in the order in which they were added.
    pub fn page<'s>(&self, shelved: &'s [Shelved]) -> Page<'s> {
        let fits = |each: &&Shelved| self.fits(each) && self.is_version(each, shelved);
        let all: Vec<&Shelved> = shelved.iter().filter(fits).collect();
        let limit = self.limit.unwrap_or(PAGE_OBJECTS).min(PAGE_OBJECTS);
        let end = self.next.saturating_add(limit);
        Page {
            next: (end < all.len()).then_some(end),
            found: all.into_iter().skip(self.next).take(limit).collect(),
        }
    }

    fn fits(&self, each: &Shelved) -> bool {
        let is_listed = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        !self.is_other_spec
            && self.added_after.is_none_or(|after| each.added > after)
            && is_listed(&self.ids, &each.id)
            && is_listed(&self.types, &each.kind)
    }

    fn is_version(&self, each: &Shelved, shelved: &[Shelved]) -> bool {
        let same = || shelved.iter().filter(|other| other.id == each.id).map(|other| other.version);
        let fits = |version: &Version| match version {
            Version::All => true,
            Version::First => same().min() == Some(each.version),
            Version::Last => same().max() == Some(each.version),
            Version::At(at) => each.version == *at,
        };
        let wanted: &[Version] = if self.versions.is_empty() { &[Version::Last] } else { &self.versions };
        wanted.iter().any(fits)
    }
}

fn version(word: &str) -> Option<Version> {
    match word {
        "all" => Some(Version::All),
        "first" => Some(Version::First),
        "last" => Some(Version::Last),
        at => at.parse().ok().map(Version::At),
    }
}

/// Objects of one answer.
const PAGE_OBJECTS: usize = 1_000;
