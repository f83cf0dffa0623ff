//! Text from people and peers on a terminal: nothing in it may move the cursor or turn the line.

use couloir_wire::text::push_visible;

/// `text` on one line, isolated from its surroundings: controls and invisible characters are
/// written out as `<U+202E>`, line breaks as `⏎`.
pub fn one_line(text: &str) -> String {
    let mut out = String::from(ISOLATE);
    text.chars().for_each(|c| push(&mut out, c));
    out.push(POP_ISOLATE);
    out
}

/// `text` with its own line breaks, each further line indented by `indent` spaces.
pub fn lines(text: &str, indent: usize) -> String {
    let joint = format!("\n{}", " ".repeat(indent));
    text.lines().map(one_line).collect::<Vec<_>>().join(&joint)
}

fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push('⏎'),
        '\t' => out.push(' '),
        c => push_visible(out, c),
    }
}

/// FIRST STRONG ISOLATE: what follows has its own direction (Unicode UAX #9).
const ISOLATE: &str = "\u{2068}";
/// POP DIRECTIONAL ISOLATE.
const POP_ISOLATE: char = '\u{2069}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_reaches_the_terminal_as_a_command() {
        let shown = one_line("a\u{1b}[2J\u{202E}b\nc\u{2069}");
        assert_eq!(shown, "\u{2068}a<U+001B>[2J<U+202E>b⏎c<U+2069>\u{2069}");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("一\n二", 2), "\u{2068}一\u{2069}\n  \u{2068}二\u{2069}");
    }
}
