//! Pages of A4, filled from the top.

use fast_qr::{QRBuilder, QRCode};
use jiff::Timestamp;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::{Document, SerializeSettings};

use super::fonts::Fonts;
use super::lines::{Line, Style, broken};
use crate::page::tongue::{Filling, Language};
use crate::words::{Code, Failure, Outcome};

/// A document in the making.
pub struct Paper {
    fonts: Fonts,
    language: Language,
    head: String,
    document: Document,
    page: Vec<Mark>,
    pages: usize,
    y: f32,
}

/// Something on the page.
enum Mark {
    Line { x: f32, y: f32, size: f32, grey: u8, line: Line },
    Rects { rects: Vec<[f32; 4]>, grey: u8 },
}

impl Paper {
    /// An empty one.
    pub fn new(fonts: Fonts, language: Language, head: String) -> Paper {
        let archival = ConfigurationBuilder::new().with_archival_validator(Archival::A3_B).finish();
        let settings =
            SerializeSettings { configuration: archival.unwrap_or_default(), ..SerializeSettings::default() };
        let document = Document::new_with(settings);
        Paper { fonts, language, head, document, page: Vec::new(), pages: 0, y: TOP }
    }

    /// A label.
    pub fn t(&self, id: &str) -> String {
        self.language.t(id)
    }

    /// A label with its fillings.
    pub fn tn(&self, id: &str, fillings: &[(&str, Filling<'_>)]) -> String {
        // Isolates are for screens that turn lines; here every line is set by itself.
        self.language.tn(id, fillings).replace(['\u{2068}', '\u{2069}'], "")
    }

    /// The style of labels.
    pub fn label(&self, size: f32) -> Style {
        Style::text(self.language.tag(), size)
    }

    /// Sets a text across the page.
    pub fn text(&mut self, text: &str, style: &Style) {
        self.columns(&[(text, style)]);
    }

    /// Sets a text across the page, its lines at most `width` wide.
    pub fn narrow(&mut self, text: &str, style: &Style, width: f32) {
        for line in broken(&mut self.fonts, text, style, width) {
            self.make_room(style.leading);
            self.y += style.leading;
            self.mark(LEFT, style, line);
        }
    }

    /// Sets texts beside each other; what is longer than a page goes on on the next.
    pub fn columns(&mut self, texts: &[(&str, &Style)]) {
        let count = texts.len().max(1) as f32;
        let width = (WIDTH - GUTTER * (count - 1.0)) / count;
        let set: Vec<Vec<Line>> =
            texts.iter().map(|(text, style)| broken(&mut self.fonts, text, style, width)).collect();
        let leading = texts.iter().map(|(_, style)| style.leading).fold(0.0, f32::max);
        let rows = set.iter().map(Vec::len).max().unwrap_or_default();
        let mut columns: Vec<_> = set.into_iter().map(Vec::into_iter).collect();
        for _ in 0..rows {
            self.make_room(leading);
            self.y += leading;
            for (place, (column, (_, style))) in columns.iter_mut().zip(texts).enumerate() {
                let x = LEFT + place as f32 * (width + GUTTER);
                if let Some(line) = column.next() {
                    self.mark(x, style, line);
                }
            }
        }
    }

    fn mark(&mut self, x: f32, style: &Style, line: Line) {
        self.page.push(Mark::Line { x, y: self.y, size: style.size, grey: style.grey, line });
    }

    /// Leaves some space.
    pub fn space(&mut self, points: f32) {
        self.y += points;
    }

    /// Begins a page if less than this is left.
    pub fn make_room(&mut self, points: f32) {
        if self.y + points > BOTTOM {
            self.end_page();
        }
    }

    /// A rule across the page.
    pub fn rule(&mut self) {
        self.y += 4.0;
        self.page.push(Mark::Rects { rects: vec![[LEFT, self.y, WIDTH, 0.6]], grey: 120 });
        self.y += 2.0;
    }

    /// Goes down to `y`, if it is above it.
    pub fn reach(&mut self, y: f32) {
        self.y = self.y.max(y);
    }

    /// A QR code at the right edge; it takes no place of its own. Returns where it ends.
    pub fn code(&mut self, text: &str, side: f32) -> f32 {
        let Ok(code) = QRBuilder::new(text).build() else { return self.y };
        let (x, y) = (LEFT + WIDTH - side, self.y);
        self.page.push(Mark::Rects { rects: modules(&code, x, y, side / code.size as f32), grey: 0 });
        y + side
    }

    /// The document, with the file that it was made from.
    pub fn finish(mut self, octets: &[u8]) -> Outcome<Vec<u8>> {
        self.end_page();
        if let Some(c) = self.fonts.missing.iter().find(|c| is_east_asian(**c)) {
            let what = format!("no font on this machine has the character {c:?}");
            return Err(Failure::new(
                Code::Failed,
                what,
                "install one, such as Noto CJK: apt install fonts-noto-cjk",
            ));
        }
        let now = date(Timestamp::now());
        let title = self.t("pdf-title");
        let metadata = Metadata::new().title(title).language(self.language.tag().to_owned());
        self.document.set_metadata(metadata.creation_date(now).producer("Couloir".to_owned()));
        if octets.len() <= EMBEDDED_OCTETS_MAX {
            self.document.embed_file(EmbeddedFile {
                path: "record.cbor".to_owned(),
                mime_type: MimeType::new("application/cbor"),
                description: Some(self.language.t("pdf-embedded")),
                association_kind: AssociationKind::Source,
                data: octets.to_vec().into(),
                modification_date: Some(now),
                compress: Some(true),
                location: None,
            });
        }
        self.document.finish().map_err(|error| {
            Failure::new(Code::Failed, format!("the PDF cannot be written: {error:?}"), "report this")
        })
    }

    fn end_page(&mut self) {
        self.pages += 1;
        let foot = self.tn("pdf-foot", &[("page", self.pages.into()), ("head", self.head.as_str().into())]);
        let style = self.label(7.5).soft();
        for line in broken(&mut self.fonts, &foot, &style, WIDTH) {
            self.page.push(Mark::Line {
                x: LEFT,
                y: BOTTOM + 26.0,
                size: style.size,
                grey: style.grey,
                line,
            });
        }
        let marks = std::mem::take(&mut self.page);
        self.y = TOP;
        let Some(settings) = PageSettings::from_wh(PAGE.0, PAGE.1) else { return };
        let mut page = self.document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in marks {
            match mark {
                Mark::Line { x, y, size, grey, line } => {
                    surface.set_fill(Some(fill(grey)));
                    let mut x = x;
                    for run in line {
                        let font = self.fonts.font(&run);
                        surface.draw_glyphs(Point::from_xy(x, y), &run.glyphs, font, &run.text, size, false);
                        x += run.width * size;
                    }
                }
                Mark::Rects { rects, grey } => {
                    surface.set_fill(Some(fill(grey)));
                    let mut path = PathBuilder::new();
                    let places = rects.iter().filter_map(|[x, y, w, h]| Rect::from_xywh(*x, *y, *w, *h));
                    places.for_each(|rect| path.push_rect(rect));
                    if let Some(path) = path.finish() {
                        surface.draw_path(&path);
                    }
                }
            }
        }
        surface.finish();
        page.finish();
    }
}

fn fill(grey: u8) -> Fill {
    let paint = rgb::Color::new(grey, grey, grey).into();
    Fill { paint, opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn modules(code: &QRCode, x: f32, y: f32, side: f32) -> Vec<[f32; 4]> {
    let all = (0..code.size).flat_map(|row| (0..code.size).map(move |column| (row, column)));
    let dark = all.filter(|(row, column)| code[*row][*column].value());
    dark.map(|(row, column)| [x + column as f32 * side, y + row as f32 * side, side, side]).collect()
}

/// What must not be written out as a number: texts would be unreadable.
fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{2A6DF}')
}

fn date(now: Timestamp) -> DateTime {
    let utc = now.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    DateTime::new(u16::try_from(utc.year()).unwrap_or_default())
        .month(part(utc.month()))
        .day(part(utc.day()))
        .hour(part(utc.hour()))
        .minute(part(utc.minute()))
        .second(part(utc.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// A4, in points.
const PAGE: (f32, f32) = (595.276, 841.89);
const LEFT: f32 = 62.0;
const WIDTH: f32 = PAGE.0 - 2.0 * LEFT;
const TOP: f32 = 58.0;
const BOTTOM: f32 = PAGE.1 - 78.0;
/// Between columns.
const GUTTER: f32 = 20.0;
/// A longer record does not lie in its PDF.
const EMBEDDED_OCTETS_MAX: usize = 16 << 20;
