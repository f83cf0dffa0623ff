//! Functions and files that one can read at once.

use super::Finding;
use super::tree::{File, Tree};

/// The longest function, in lines: a screen.
const FUNCTION_LINES_MAX: usize = 60;
/// The longest file, in lines, its tests left out.
const FILE_LINES_MAX: usize = 500;

/// Functions and files outside tests that are too long.
pub fn long(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, parts) in tree.rust() {
        let own = parts.functions.iter().filter(|function| !file.is_test_line(function.line));
        findings.extend(own.filter(|function| function.lines > FUNCTION_LINES_MAX).map(|function| {
            let what = format!("{} has {} lines", function.name, function.lines);
            Finding::new(&file.path, function.line, what, format!("at most {FUNCTION_LINES_MAX}"))
        }));
        let lines = lines_outside_tests(file);
        if lines > FILE_LINES_MAX {
            let what = format!("{lines} lines without tests");
            findings.push(Finding::new(&file.path, 1, what, format!("at most {FILE_LINES_MAX}")));
        }
    }
    findings
}

fn lines_outside_tests(file: &File) -> usize {
    (1..=file.text.lines().count()).filter(|line| !file.is_test_line(*line)).count()
}

/// Median, 90th percentile and maximum of function lengths outside tests.
pub fn summary(tree: &Tree) -> String {
    let mut lengths: Vec<usize> = Vec::new();
    for (file, parts) in tree.rust() {
        lengths.extend(parts.functions.iter().filter(|f| !file.is_test_line(f.line)).map(|f| f.lines));
    }
    lengths.sort_unstable();
    let at =
        |percent: usize| lengths.get(lengths.len() * percent / 100).or(lengths.last()).copied().unwrap_or(0);
    format!(
        "functions: {}, lines median {} / p90 {} / longest {}",
        lengths.len(),
        at(50),
        at(90),
        lengths.last().copied().unwrap_or(0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("fn f() {{\n{}}}", "    g();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_over_the_bound_is_found_and_one_at_it_is_not() {
        let hits = |lines| long(&Tree::of(&[("crates/node/src/lib.rs", &function_of(lines))])).len();
        assert_eq!(hits(FUNCTION_LINES_MAX), 0);
        assert_eq!(hits(FUNCTION_LINES_MAX + 1), 1);
    }

    #[test]
    fn a_file_is_measured_without_its_tests() {
        let body = "const A: u8 = 0;\n".repeat(FILE_LINES_MAX);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{body}}}\n");
        let hits = |text: &str| long(&Tree::of(&[("crates/node/src/lib.rs", text)])).len();
        assert_eq!(hits(&format!("{body}{tests}")), 0);
        assert_eq!(hits(&format!("{body}const B: u8 = 0;\n")), 1);
    }
}
