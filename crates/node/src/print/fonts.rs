//! The machine's fonts: for each language those whose characters have its shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fontdb::{Database, Family, ID, Query};
use harfrust::{FontRef, ShapeOptions, ShaperData, UnicodeBuffer};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::MetadataProvider as _;

/// Fonts that were looked up, and those that were opened.
pub struct Fonts {
    machine: Database,
    faces: Vec<Face>,
    opened: BTreeMap<ID, Option<usize>>,
    wanted: BTreeMap<Script, Vec<ID>>,
    /// Characters that no font has.
    pub missing: BTreeSet<char>,
}

/// A font that was opened.
struct Face {
    font: Font,
    octets: Arc<Vec<u8>>,
    index: u32,
    shaping: ShaperData,
}

/// Whose shapes characters take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// Japanese.
    Japanese,
    /// Chinese in simplified characters.
    Simplified,
    /// Chinese in traditional characters.
    Traditional,
    /// Korean.
    Korean,
    /// What has no Han characters.
    Latin,
    /// Digits to be compared.
    Figures,
}

impl Script {
    /// Of a language tag.
    pub fn of(tag: &str) -> Script {
        let is_traditional =
            ["Hant", "TW", "HK", "MO"].iter().any(|part| tag.split('-').any(|it| it == *part));
        match tag.split('-').next().unwrap_or_default() {
            "ja" => Script::Japanese,
            "zh" | "yue" if is_traditional => Script::Traditional,
            "zh" | "yue" | "cmn" => Script::Simplified,
            "ko" => Script::Korean,
            _ => Script::Latin,
        }
    }

    /// Families by name, the best first.
    fn families(self) -> &'static [&'static str] {
        match self {
            Script::Japanese => &[
                "Noto Serif CJK JP",
                "Noto Serif JP",
                "Source Han Serif",
                "IPAexMincho",
                "IPAMincho",
                "TakaoMincho",
                "Noto Sans CJK JP",
                "Noto Sans JP",
                "Source Han Sans",
                "IPAexGothic",
                "IPAGothic",
                "VL Gothic",
            ],
            Script::Simplified => &[
                "Noto Serif CJK SC",
                "Noto Serif SC",
                "Source Han Serif SC",
                "AR PL UMing CN",
                "Noto Sans CJK SC",
                "Noto Sans SC",
                "Source Han Sans SC",
                "WenQuanYi Zen Hei",
                "WenQuanYi Micro Hei",
            ],
            Script::Traditional => &[
                "Noto Serif CJK TC",
                "Noto Serif TC",
                "Source Han Serif TC",
                "AR PL UMing TW",
                "Noto Sans CJK TC",
                "Noto Sans TC",
                "Source Han Sans TC",
            ],
            Script::Korean => &[
                "Noto Serif CJK KR",
                "Noto Serif KR",
                "NanumMyeongjo",
                "Noto Sans CJK KR",
                "Noto Sans KR",
                "NanumGothic",
            ],
            Script::Latin => &[
                "Noto Serif",
                "Source Serif 4",
                "Liberation Serif",
                "DejaVu Serif",
                "Noto Sans",
                "Liberation Sans",
                "DejaVu Sans",
            ],
            Script::Figures => &["Noto Sans Mono", "DejaVu Sans Mono", "Liberation Mono"],
        }
    }

    /// Where to look next for a character that the script's own fonts lack.
    fn others(self) -> impl Iterator<Item = Script> {
        const ALL: [Script; 5] =
            [Script::Latin, Script::Japanese, Script::Simplified, Script::Traditional, Script::Korean];
        std::iter::once(self).chain(ALL.into_iter().filter(move |other| *other != self))
    }
}

/// A piece of text in one font.
#[derive(Debug, Clone)]
pub struct Run {
    face: usize,
    /// The text.
    pub text: String,
    /// Its glyphs, for size 1.
    pub glyphs: Vec<KrillaGlyph>,
    /// Its width, for size 1.
    pub width: f32,
}

impl Fonts {
    /// Of the folders in which this system keeps fonts.
    pub fn of_machine() -> Fonts {
        let mut machine = Database::new();
        machine.load_system_fonts();
        Fonts {
            machine,
            faces: Vec::new(),
            opened: BTreeMap::new(),
            wanted: BTreeMap::new(),
            missing: BTreeSet::new(),
        }
    }

    /// The font of a run.
    pub fn font(&self, run: &Run) -> Font {
        self.faces[run.face].font.clone()
    }

    /// A text in runs of one font each, shaped. What no font has is written out as `<U+1F600>`.
    pub fn runs(&mut self, text: &str, script: Script, tag: &str) -> Vec<Run> {
        let mut pieces: Vec<(usize, String)> = Vec::new();
        for c in text.chars() {
            match self.face_of(c, script) {
                Some(face) => push(&mut pieces, face, &c.to_string()),
                None => {
                    self.missing.insert(c);
                    let Some(face) = self.face_of('U', script) else { continue };
                    push(&mut pieces, face, &format!("<U+{:04X}>", c as u32));
                }
            }
        }
        pieces.into_iter().map(|(face, text)| self.shaped(face, text, tag)).collect()
    }

    /// The width of a text, for size 1.
    pub fn width(&mut self, text: &str, script: Script, tag: &str) -> f32 {
        self.runs(text, script, tag).iter().map(|run| run.width).sum()
    }

    fn shaped(&self, face: usize, text: String, tag: &str) -> Run {
        let Face { font, octets, index, shaping } = &self.faces[face];
        let mut run = Run { face, text, glyphs: Vec::new(), width: 0.0 };
        let Ok(read) = FontRef::from_index(octets, *index) else { return run };
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&run.text);
        if let Ok(language) = tag.parse() {
            buffer.set_language(language);
        }
        buffer.guess_segment_properties();
        let shaper = shaping.shaper(&read).build();
        let glyphs = shaper.shape(buffer, ShapeOptions::new());
        let em = font.units_per_em();
        let mut ends: Vec<usize> = glyphs.glyph_infos().iter().map(|info| info.cluster as usize).collect();
        ends.push(run.text.len());
        ends.sort_unstable();
        ends.dedup();
        for (info, place) in glyphs.glyph_infos().iter().zip(glyphs.glyph_positions()) {
            let start = info.cluster as usize;
            let end = ends.iter().copied().find(|end| *end > start).unwrap_or(run.text.len());
            let scaled = |units: i32| units as f32 / em;
            run.width += scaled(place.x_advance);
            run.glyphs.push(KrillaGlyph {
                glyph_id: GlyphId::new(info.glyph_id),
                text_range: start..end,
                x_advance: scaled(place.x_advance),
                x_offset: scaled(place.x_offset),
                y_offset: scaled(place.y_offset),
                y_advance: scaled(place.y_advance),
                location: None,
            });
        }
        run
    }

    /// The first font that has a character.
    fn face_of(&mut self, c: char, script: Script) -> Option<usize> {
        for script in script.others() {
            for id in self.wanted(script) {
                if let Some(face) = self.open(id).filter(|face| self.has(*face, c)) {
                    return Some(face);
                }
            }
        }
        None
    }

    fn has(&self, face: usize, c: char) -> bool {
        let Face { octets, index, .. } = &self.faces[face];
        let font = FontRef::from_index(octets, *index);
        font.is_ok_and(|font| font.charmap().map(c).is_some_and(|glyph| glyph.to_u32() != 0))
    }

    fn wanted(&mut self, script: Script) -> Vec<ID> {
        let machine = &self.machine;
        let find = |name: &&'static str| {
            machine.query(&Query { families: &[Family::Name(name)], ..Query::default() })
        };
        self.wanted
            .entry(script)
            .or_insert_with(|| script.families().iter().filter_map(find).collect())
            .clone()
    }

    fn open(&mut self, id: ID) -> Option<usize> {
        if let Some(known) = self.opened.get(&id) {
            return *known;
        }
        let read = self.machine.with_face_data(id, |octets, index| (Arc::new(octets.to_vec()), index));
        let face = read.and_then(|(octets, index)| {
            let shaping = ShaperData::new(&FontRef::from_index(&octets, index).ok()?);
            let font = Font::new(krilla::Data::from(Arc::clone(&octets)), index)?;
            Some(Face { font, octets, index, shaping })
        });
        let place = face.map(|face| {
            self.faces.push(face);
            self.faces.len() - 1
        });
        self.opened.insert(id, place);
        place
    }
}

fn push(pieces: &mut Vec<(usize, String)>, face: usize, text: &str) {
    match pieces.last_mut() {
        Some((last, piece)) if *last == face => piece.push_str(text),
        _ => pieces.push((face, text.to_owned())),
    }
}
