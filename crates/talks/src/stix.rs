//! What a desk must know of a STIX 2.1 bundle: its objects, and how each may be passed on.
//!
//! A bundle travels and leaves as its author wrote it; what is not known here is kept. *Marked* is an object that names a
//! marking of the Traffic Light Protocol: of version 2.0 by OASIS's extension definition, or of version 1.0. Of several the
//! strictest counts. A marking that is not known counts as RED, and so does whatever a part of an object is marked
//! with (granular markings). An object without one is *unmarked*. Source: STIX Version 2.1, OASIS Standard, sections 3 and
//! 7.2; Traffic Light Protocol 2.0 in STIX, OASIS CTI.

use std::fmt::Formatter;

use couloir_wire::entry::Marking;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Why a text is no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StixError {
    /// It is no JSON.
    #[error("it is no JSON ({0})")]
    Json(String),
    /// It is JSON, and no bundle.
    #[error("it is no STIX bundle")]
    NoBundle,
    /// It holds nothing.
    #[error("the bundle is empty")]
    Empty,
    /// It holds more than a desk takes.
    #[error("the bundle has more than {OBJECTS_MAX} objects")]
    TooMany,
    /// An object lacks what every object has.
    #[error("object {0} of the bundle has no type or no id that fits it")]
    Object(usize),
    /// An object is of another version.
    #[error("object {0} of the bundle is of STIX {1}, not 2.1")]
    Version(usize, String),
}

/// A bundle that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct StixBundle {
    /// In the order of the bundle.
    pub objects: Vec<StixObject>,
}

/// An object of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct StixObject {
    /// Its id, such as `indicator--...`.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// What it is called: its name, its value, or nothing.
    pub name: String,
    /// Its version: when it was modified, or created.
    pub version: Option<String>,
    /// How it may be passed on; `None` if it does not say.
    pub marking: Option<Marking>,
    /// Names of properties with the ids of the objects that they refer to.
    pub refs: Vec<(String, String)>,
    /// All of it, letter by letter: numbers too are passed on as they were written.
    pub text: String,
}

/// The objects of a bundle as it was written.
#[derive(Deserialize)]
struct Texts<'t> {
    #[serde(borrow)]
    objects: Vec<&'t RawValue>,
}

impl StixBundle {
    /// Reads a bundle.
    pub fn read(text: &str) -> Result<StixBundle, StixError> {
        let wrong = |error: serde_json::Error| StixError::Json(error.to_string());
        let Unambiguous(value) = serde_json::from_str(text).map_err(wrong)?;
        let is_bundle =
            value["type"] == "bundle" && is_id("bundle", value["id"].as_str().unwrap_or_default());
        let objects = value["objects"].as_array().filter(|_| is_bundle).ok_or(StixError::NoBundle)?;
        match objects.len() {
            0 => return Err(StixError::Empty),
            OBJECTS_MIN..=OBJECTS_MAX => {}
            _ => return Err(StixError::TooMany),
        }
        let definitions = Definitions::of(objects);
        let texts = serde_json::from_str::<Texts<'_>>(text).map_err(wrong)?.objects;
        let read = |(at, (value, text)): (usize, (&Value, &RawValue))| {
            StixObject::read(at + 1, (value, text.get()), &definitions)
        };
        let objects = objects.iter().zip(texts).enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(StixBundle { objects })
    }

    /// How the whole may be passed on: as its strictest object; `otherwise` counts for those that do not say.
    pub fn marking(&self, otherwise: Marking) -> Marking {
        let markings = self.objects.iter().filter(|object| object.needs_marking());
        markings.map(|object| object.marking.unwrap_or(otherwise)).max().unwrap_or(otherwise)
    }

    /// Objects that do not say how they may be passed on.
    pub fn unmarked(&self) -> usize {
        self.objects.iter().filter(|object| object.needs_marking() && object.marking.is_none()).count()
    }
}

impl StixObject {
    fn read(
        at: usize,
        (value, written): (&Value, &str),
        definitions: &Definitions,
    ) -> Result<StixObject, StixError> {
        let object = value.as_object().ok_or(StixError::Object(at))?;
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let (Some(kind), Some(id)) = (text("type"), text("id")) else { return Err(StixError::Object(at)) };
        if !is_id(kind, id) {
            return Err(StixError::Object(at));
        }
        if let Some(other) = text("spec_version").filter(|version| *version != SPEC_VERSION) {
            return Err(StixError::Version(at, other.to_owned()));
        }
        let named = ["name", "value", "path", "subject", "abstract"].into_iter().find_map(text);
        Ok(StixObject {
            id: id.to_owned(),
            kind: kind.to_owned(),
            name: named.or_else(|| text("relationship_type")).unwrap_or_default().to_owned(),
            version: text("modified").or_else(|| text("created")).map(str::to_owned),
            marking: marking_of(object, definitions),
            refs: refs_of(object),
            text: written.to_owned(),
        })
    }

    /// Definitions of markings and extensions say nothing that could be passed on.
    fn needs_marking(&self) -> bool {
        !matches!(self.kind.as_str(), "marking-definition" | "extension-definition")
    }
}

/// JSON in which no object has a key twice: two readers could take it for two different things.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unambiguous, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Unambiguous)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            found.push(item);
        }
        Ok(found.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some((key, Unambiguous(value))) = fields.next_entry::<String, _>()? {
            if found.insert(key, value).is_some() {
                return Err(A::Error::custom("an object has a key twice"));
            }
        }
        Ok(found.into())
    }
}

/// What the markings that a bundle defines itself mean.
struct Definitions(Vec<(String, Defined)>);

/// What a marking says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defined {
    Tlp(Marking),
    /// Terms of use and the like: no word on who may read it.
    Statement,
    Unknown,
}

impl Definitions {
    fn of(objects: &[Value]) -> Definitions {
        let definitions = objects.iter().filter(|object| object["type"] == "marking-definition");
        let defined =
            definitions.filter_map(|object| Some((object["id"].as_str()?.to_owned(), defined(object))));
        Definitions(defined.collect())
    }

    fn find(&self, id: &str) -> Defined {
        let known = KNOWN.iter().find(|(known, _)| id.strip_prefix("marking-definition--") == Some(*known));
        let own = self.0.iter().filter(|(defined, _)| defined == id).map(|(_, defined)| *defined);
        // Whoever defines a marking twice, or OASIS's otherwise, means the strictest.
        own.chain(known.map(|(_, marking)| Defined::Tlp(*marking)))
            .max_by_key(strictness)
            .unwrap_or(Defined::Unknown)
    }
}

fn strictness(defined: &Defined) -> Option<Marking> {
    match defined {
        Defined::Tlp(marking) => Some(*marking),
        Defined::Statement => None,
        Defined::Unknown => Some(Marking::Red),
    }
}

/// A definition under an id that is not OASIS's own counts for what it says only if that is a known word.
fn defined(object: &Value) -> Defined {
    let word = object["extensions"][TLP_EXTENSION]["tlp_2_0"].as_str();
    let first = || object["definition"]["tlp"].as_str().filter(|_| object["definition_type"] == "tlp");
    match word.or_else(first) {
        Some(word) => tlp_word(word).map_or(Defined::Unknown, Defined::Tlp),
        None if object["definition_type"] == "statement" => Defined::Statement,
        None => Defined::Unknown,
    }
}

fn tlp_word(word: &str) -> Option<Marking> {
    match word {
        "clear" | "white" => Some(Marking::Clear),
        "green" => Some(Marking::Green),
        "amber" => Some(Marking::Amber),
        "amber+strict" => Some(Marking::AmberStrict),
        "red" => Some(Marking::Red),
        _ => None,
    }
}

/// The strictest of what the object and its parts are marked with.
fn marking_of(object: &Map<String, Value>, definitions: &Definitions) -> Option<Marking> {
    let of_list = |key: &str| object.get(key).and_then(Value::as_array).into_iter().flatten();
    let whole = of_list("object_marking_refs");
    let parts = of_list("granular_markings").filter_map(|part| part.get("marking_ref"));
    let levels =
        whole.chain(parts).filter_map(|id| strictness(&definitions.find(id.as_str().unwrap_or_default())));
    levels.max()
}

fn refs_of(object: &Map<String, Value>) -> Vec<(String, String)> {
    let is_ref = |key: &str| key.ends_with("_ref") || key.ends_with("_refs");
    let is_marking = |key: &str| key == "object_marking_refs";
    let found = object.iter().filter(|(key, _)| is_ref(key) && !is_marking(key)).flat_map(|(key, value)| {
        let one = value.as_str().into_iter();
        let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        one.chain(many).map(|id| (key.clone(), id.to_owned())).collect::<Vec<_>>()
    });
    found.take(REFS_MAX).collect()
}

/// `type--UUID` (section 2.9).
fn is_id(kind: &str, id: &str) -> bool {
    let is_kind = (1..=KIND_CHARS_MAX).contains(&kind.len())
        && kind.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    let uuid = id.strip_prefix(kind).and_then(|rest| rest.strip_prefix("--"));
    is_kind && uuid.is_some_and(is_uuid)
}

fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    let fits =
        |(group, len): (&str, usize)| group.len() == len && group.bytes().all(|c| c.is_ascii_hexdigit());
    [8, 4, 4, 4, 12].into_iter().all(|len| groups.next().is_some_and(|group| fits((group, len))))
        && groups.next().is_none()
}

const SPEC_VERSION: &str = "2.1";
/// OASIS's definition of TLP 2.0 as an extension of marking definitions.
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
/// OASIS's own marking definitions: TLP 2.0, then TLP 1.0.
const KNOWN: [(&str, Marking); 9] = [
    ("94868c89-83c2-464b-929b-a1a8aa3c8487", Marking::Clear),
    ("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Marking::Green),
    ("55d920b0-5e8b-4f79-9ee9-91f868d9b421", Marking::Amber),
    ("939a9414-2ddd-4d32-a0cd-375ea402b003", Marking::AmberStrict),
    ("e828b379-4e03-4974-9ac4-e53a884c97c1", Marking::Red),
    ("613f2e26-407d-48c7-9eca-b8e91df99dc9", Marking::Clear),
    ("34098fce-860f-48ae-8e50-ebd3cc5e41da", Marking::Green),
    ("f88d31f6-486f-44da-b317-01333bde0b82", Marking::Amber),
    ("5e57c739-391a-4eb3-b6be-7d92ca15ed92", Marking::Red),
];
const OBJECTS_MIN: usize = 1;
/// Objects of one bundle: more is a feed, not a report.
pub const OBJECTS_MAX: usize = 20_000;
/// References of one object that are looked at.
const REFS_MAX: usize = 1_000;
/// The longest type (section 3.1) has 250.
const KIND_CHARS_MAX: usize = 250;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AMBER_STRICT: &str = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
    const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
    const OWN: &str = "marking-definition--11111111-2222-4333-8444-555555555555";

    fn indicator(more: Value) -> Value {
        let mut object = json!({
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "created": "2026-10-01T00:00:00.000Z",
            "modified": "2026-10-02T00:00:00.000Z",
            "name": "C2",
        });
        let more = more.as_object().expect("an object").clone();
        object.as_object_mut().expect("an object").extend(more);
        object
    }

    fn bundle(objects: &[Value]) -> Result<StixBundle, StixError> {
        let id = "bundle--44af6c39-c09b-49c5-9de2-394224b04982";
        StixBundle::read(&json!({ "type": "bundle", "id": id, "objects": objects }).to_string())
    }

    fn marked(refs: &[&str], defined: &[Value]) -> Option<Marking> {
        let object = indicator(json!({ "object_marking_refs": refs }));
        bundle(&[&[object], defined].concat()).expect("a bundle").objects[0].marking
    }

    #[test]
    fn an_object_is_kept_as_it_was_written_and_a_key_twice_is_no_bundle() {
        let of = |object: &str| {
            let head = r#"{"type":"bundle","id":"bundle--44af6c39-c09b-49c5-9de2-394224b04982","objects":["#;
            StixBundle::read(&format!("{head} {object} ]}}"))
        };
        let id = r#""type":"x-scale","id":"x-scale--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f""#;
        let odd = format!(r#"{{{id}, "big":12345678901234567890123, "price":1.10,"e":1E+2}}"#);
        assert_eq!(of(&odd).expect("a bundle").objects[0].text, odd);
        for twice in [format!(r#"{{{id}, "a":1,"a":2}}"#), format!(r#"{{{id}, "in":[{{"b":1,"b":1}}]}}"#)] {
            assert!(matches!(of(&twice), Err(StixError::Json(why)) if why.contains("twice")), "{twice}");
        }
    }

    #[test]
    fn of_several_markings_the_strictest_counts_and_a_strange_one_is_red() {
        assert_eq!(marked(&[GREEN, AMBER_STRICT], &[]), Some(Marking::AmberStrict));
        assert_eq!(marked(&[GREEN, OWN], &[]), Some(Marking::Red));
        assert_eq!(marked(&["purple"], &[]), Some(Marking::Red));
        assert_eq!(marked(&[], &[]), None);
    }

    #[test]
    fn a_definition_of_the_bundle_s_own_counts_by_a_known_word_alone() {
        let tlp = |word: &str| json!({ "type": "marking-definition", "id": OWN, "extensions": { TLP_EXTENSION: { "tlp_2_0": word } } });
        assert_eq!(marked(&[OWN], &[tlp("amber")]), Some(Marking::Amber));
        assert_eq!(marked(&[OWN], &[tlp("purple")]), Some(Marking::Red));
        let statement = json!({ "type": "marking-definition", "id": OWN, "definition_type": "statement", "definition": { "statement": "(c)" } });
        assert_eq!(marked(&[OWN, GREEN], std::slice::from_ref(&statement)), Some(Marking::Green));
        assert_eq!(marked(&[OWN], &[statement]), None);
        let lenient = json!({ "type": "marking-definition", "id": AMBER_STRICT, "extensions": { TLP_EXTENSION: { "tlp_2_0": "clear" } } });
        assert_eq!(
            marked(&[AMBER_STRICT], &[lenient]),
            Some(Marking::AmberStrict),
            "OASIS's ids mean what OASIS says"
        );
        let strict = json!({ "type": "marking-definition", "id": GREEN, "extensions": { TLP_EXTENSION: { "tlp_2_0": "red" } } });
        assert_eq!(marked(&[GREEN], &[strict]), Some(Marking::Red), "or more strictly");
        let twice = [tlp("clear"), tlp("red")];
        assert_eq!(marked(&[OWN], &twice), Some(Marking::Red));
    }

    #[test]
    fn a_part_that_is_marked_marks_the_whole() {
        let parts = json!({ "granular_markings": [{ "marking_ref": AMBER_STRICT, "selectors": ["name"] }] });
        let read = bundle(&[indicator(parts), indicator(json!({}))]).expect("a bundle");
        assert_eq!((read.unmarked(), read.marking(Marking::Clear)), (1, Marking::AmberStrict));
        assert_eq!(read.marking(Marking::Red), Marking::Red);
    }

    #[test]
    fn what_is_no_bundle_is_named() {
        assert_eq!(bundle(&[]), Err(StixError::Empty));
        for text in ["{}", "[]", r#"{"type":"bundle","id":"bundle--1","objects":[{}]}"#] {
            assert_eq!(StixBundle::read(text), Err(StixError::NoBundle), "{text}");
        }
        assert!(matches!(StixBundle::read("{"), Err(StixError::Json(_))));
        assert!(matches!(StixBundle::read(&"[".repeat(100_000)), Err(StixError::Json(_))));
        assert_eq!(bundle(&[json!({ "type": "x", "id": "y--1" })]), Err(StixError::Object(1)));
        assert_eq!(
            bundle(&[indicator(json!({ "spec_version": "2.0" }))]),
            Err(StixError::Version(1, "2.0".into()))
        );
    }

    #[test]
    fn an_object_that_is_not_known_is_kept_with_all_that_it_has() {
        let strange = json!({ "type": "x-couloir-thing", "id": "x-couloir-thing--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "深": [1, { "a": null }], "seen_ref": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f" });
        let read = bundle(std::slice::from_ref(&strange)).expect("a bundle");
        assert_eq!(read.objects[0].text, strange.to_string());
        assert_eq!(
            read.objects[0].refs,
            [("seen_ref".to_owned(), "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".to_owned())]
        );
    }
}
