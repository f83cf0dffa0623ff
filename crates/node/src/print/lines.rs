//! Text in lines of a width.

use unicode_linebreak::linebreaks;

use super::fonts::{Fonts, Run, Script};

/// How a text is set.
#[derive(Debug, Clone)]
pub struct Style {
    /// The size of its characters, in points.
    pub size: f32,
    /// The distance of its lines, in points.
    pub leading: f32,
    /// Its language.
    pub tag: String,
    /// Whose shapes it takes.
    pub script: Script,
    /// From 0, black, to 255.
    pub grey: u8,
}

/// A line.
pub type Line = Vec<Run>;

impl Style {
    /// A text in a language.
    pub fn text(tag: &str, size: f32) -> Style {
        Style { size, leading: size * 1.7, tag: tag.to_owned(), script: Script::of(tag), grey: 0 }
    }

    /// Digits to be compared.
    pub fn figures(size: f32) -> Style {
        Style { size, leading: size * 1.5, tag: "en".to_owned(), script: Script::Figures, grey: 60 }
    }

    /// The same, less loud.
    pub fn soft(self) -> Style {
        Style { grey: 90, ..self }
    }
}

/// Breaks a text where its language allows it (UAX #14), and where nothing else fits anywhere.
pub fn broken(fonts: &mut Fonts, text: &str, style: &Style, width: f32) -> Vec<Line> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for piece in pieces(fonts, &paragraph.replace('\t', "    "), style, width) {
            let together = format!("{line}{piece}");
            if !line.is_empty() && measured(fonts, together.trim_end(), style) > width {
                lines.push(shaped(fonts, &line, style));
                line = piece;
            } else {
                line = together;
            }
        }
        lines.push(shaped(fonts, &line, style));
    }
    lines
}

/// Parts that stay together, each no wider than a line.
fn pieces(fonts: &mut Fonts, paragraph: &str, style: &Style, width: f32) -> Vec<String> {
    let (mut found, mut start) = (Vec::new(), 0);
    for (end, _) in linebreaks(paragraph) {
        let piece = &paragraph[start..end];
        start = end;
        if measured(fonts, piece.trim_end(), style) <= width {
            found.push(piece.to_owned());
        } else {
            found.extend(piece.chars().map(String::from));
        }
    }
    found
}

fn measured(fonts: &mut Fonts, text: &str, style: &Style) -> f32 {
    fonts.width(text, style.script, &style.tag) * style.size
}

fn shaped(fonts: &mut Fonts, text: &str, style: &Style) -> Line {
    fonts.runs(text.trim_end(), style.script, &style.tag)
}
