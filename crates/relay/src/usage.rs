//! What is wrong with a command line, in one sentence, and what to do.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use couloir_wire::text::push_visible;

/// `words` as one line for a terminal, which may quote what somebody typed: nothing in it moves the cursor or
/// turns the line, and of what is very long the beginning and the end are left.
pub fn one_line(words: &str) -> String {
    let mut out = String::new();
    words.chars().for_each(|c| push_visible(&mut out, c));
    let len = out.chars().count();
    if len <= LINE_CHARS_MAX {
        return out;
    }
    let begin: String = out.chars().take(LINE_CHARS_MAX / 2).collect();
    let end: String = out.chars().skip(len - LINE_CHARS_MAX / 2).collect();
    format!("{begin}...{end}")
}

/// Help and version for programs: `help`, or `name` and `version`.
pub fn answer(error: &Error, root: &Command) -> serde_json::Value {
    match error.kind() {
        ErrorKind::DisplayVersion => {
            serde_json::json!({ "name": root.get_name(), "version": root.get_version() })
        }
        _ => serde_json::json!({ "help": text(error) }),
    }
}

/// Help and version for people.
pub fn text(error: &Error) -> String {
    error.to_string().trim_end().to_owned()
}

/// What is wrong with `args` (the first is the program) according to `error`, and where to read on.
/// Both without a full stop.
pub fn sentence(error: &Error, root: &Command, args: &[OsString]) -> (String, String) {
    let (path, command) = named(root, args);
    (what(error, command), format!("see {path} --help"))
}

fn what(error: &Error, command: &Command) -> String {
    let context = |kind| error.get(kind).map(words).unwrap_or_default();
    let arg = context(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("this is missing: {arg}"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
            let names: Vec<&str> = shown.map(Command::get_name).collect();
            format!("a command is missing: {}", names.join(", "))
        }
        ErrorKind::InvalidSubcommand => {
            format!("there is no command {:?}", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument => {
            format!("{arg:?} is no option here (what begins so and is none goes behind --)")
        }
        ErrorKind::ArgumentConflict => {
            format!("{arg} cannot go with {}", context(ContextKind::PriorArg))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => value(error, &arg),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{arg} lacks its value")
        }
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => first_line(error),
    }
}

/// A value that an argument does not take.
fn value(error: &Error, arg: &str) -> String {
    let given = error.get(ContextKind::InvalidValue).map(words).unwrap_or_default();
    let known = error.get(ContextKind::ValidValue).map(words).unwrap_or_default();
    let cause = std::error::Error::source(error).map(ToString::to_string);
    match (given.is_empty(), cause) {
        (true, _) => format!("{arg} lacks its value"),
        (false, Some(cause)) => format!("{given:?} is no value for {arg}: {cause}"),
        (false, None) => format!("{given:?} is no value for {arg}, which is one of: {known}"),
    }
}

fn words(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(words) => words.join(", "),
        other => other.to_string(),
    }
}

fn first_line(error: &Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// The command as far as it was named, and its path: `couloir charter sign`.
fn named<'c>(root: &'c Command, args: &[OsString]) -> (String, &'c Command) {
    let (mut path, mut command) = (root.get_name().to_owned(), root);
    for arg in args.iter().skip(1) {
        if let Some(found) = command.find_subcommand(arg) {
            path = format!("{path} {}", found.get_name());
            command = found;
        }
    }
    (path, command)
}

/// More than any sentence of ours takes with a path in it.
const LINE_CHARS_MAX: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_on_one_line_of_bounded_length() {
        assert_eq!(one_line("a\u{1b}[2J\nb\u{202E}"), "a<U+001B>[2J<U+000A>b<U+202E>");
        let long = one_line(&"長".repeat(100_000));
        assert!(long.chars().count() < 700 && long.ends_with("長"));
    }
}
