//! `docs/CLI.md`, made from the definitions that the program itself parses by.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::Cli;
use crate::words::Code;

/// The whole reference as Markdown.
pub fn markdown() -> String {
    let mut root = Cli::command();
    root.build();
    let mut out = String::from(HEAD);
    for (code, meaning) in Code::ALL {
        let _ = writeln!(out, "| {} | {meaning} |", u8::from(code));
    }
    out.push_str(JSON);
    for verb in root.get_subcommands().filter(|verb| is_shown(verb)) {
        describe(&mut out, "couloir", verb, 2);
    }
    out
}

fn is_shown(verb: &Command) -> bool {
    !verb.is_hide_set() && verb.get_name() != "help"
}

fn describe(out: &mut String, path: &str, verb: &Command, depth: usize) {
    let path = format!("{path} {}", verb.get_name());
    let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(out, "\n{} {path}\n\n{about}\n", "#".repeat(depth));
    let shown: Vec<&Command> = verb.get_subcommands().filter(|verb| is_shown(verb)).collect();
    if shown.is_empty() {
        let usage = verb.clone().render_usage().to_string();
        let _ = writeln!(out, "```\n{}\n```\n", usage.trim_start_matches("Usage: "));
        verb.get_arguments().filter(|arg| is_own(arg)).for_each(|arg| describe_arg(out, arg));
    }
    shown.into_iter().for_each(|verb| describe(out, &path, verb, depth + 1));
}

fn is_own(arg: &Arg) -> bool {
    let is_common = matches!(arg.get_id().as_str(), "help" | "version") || arg.is_global_set();
    !arg.is_hide_set() && !is_common
}

fn describe_arg(out: &mut String, arg: &Arg) {
    let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let label = match (arg.get_long(), value.filter(|_| arg.get_action().takes_values())) {
        (Some(long), Some(value)) => format!("--{long} {value}"),
        (Some(long), None) => format!("--{long}"),
        (None, value) => value.unwrap_or_else(|| arg.get_id().to_string()),
    };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let default =
        arg.get_default_values().first().map(|value| format!(" Default: `{}`.", value.to_string_lossy()));
    let _ = writeln!(out, "* `{label}`: {help}{}", default.unwrap_or_default());
}

const HEAD: &str = "# The command line

Made by `couloir reference` from the program's own definitions; a test compares them.

Answers go to stdout, talk to stderr. Every failure is one sentence that says what is wrong and
what to do next. Options of every command:

* `--home DIR`: the node's folder: its keys, its store, its socket.
* `--passphrase-file FILE`: a file whose first line is the passphrase. Else `COULOIR_PASSPHRASE_FILE`
  names one, else it is asked for at a terminal. A passphrase is never an argument. While the node
  runs, commands go through the socket in its home and need none.
* `--json`: answer in JSON.

Where an entry is named, its id or the beginning of it will do, and what it is cited by: `12A`, or
`CONVERSATION/12A` where several conversations have such an entry. Durations are written like `200ms`,
`90s`, `1h30m`, `7d`; times like `2026-12-01T09:00` (this machine's zone) or `2026-12-01T00:00:00Z`.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
";

const JSON: &str = "
## JSON

`--json` may stand anywhere and makes every answer one line of JSON; `log` answers a line per entry.
Keys are stable: more may come, none goes or changes meaning. A failure is `{\"error\": {\"what\",
\"next\", \"code\"}}`, except where the answer itself tells it (`doctor`, `tour`). `--version`
answers `name` and `version`, `--help` answers `help`. Times are RFC 3339 in
UTC; durations end in `_ms`; ids are lower-case hexadecimal. What is unknown is `null`.

| command | answer |
|---|---|
| `init` | `home`, `side {name, id}`, `post {title, id}`, `node`, `officer_key`, `certified` |
| `side create` | `side {name, id}`, `threshold`, `officer_keys [path]`, `signet` |
| `side signet` | `out`, `side {name, id}` |
| `side request`, `certify`, `adopt`, `hand-over` | `kind`, `side`, `post`, `post_id`, `holder`, `since`, `node`, `serial`, `signed`, `needed`, `complete`; of a revocation `kind`, `side`, `node`, `at`, `serial` and the last three |
| `side holders` | `posts [{side, side_id, post, post_id, holders [{holder, since, node, serial}]}]` |
| `side revoke` | `revoked` |
| `channel create` | `channel`, `name`, `routes [{id, url, window_ms, cell, lanes, ruler, from, retired}]` |
| `invite` | `invitation`, `for`, `file`, `expires` |
| `join` | `channel`, `name`, `inviter {side, post}`, `routes` (their number) |
| `link ask` | as `side request` |
| `link begin` | `file`, `post` |
| `link join` | `side`, `post` |
| `link introduce` | `introduced`: how many pairs |
| `link list` | `links [{id, side, post, verified, link: alive or silent, frozen: why, if it is}]` |
| `clocks` | `own`, `theirs {zone, place, time}` |
| `phrase` | `symbols [{number, symbol, en, ja, zh}]`, `digits` |
| `verify`, `desk`, `posture official`, `doctor --settle` | `done` |
| `run` | `ready`, once it serves |
| `send`, `answer` | `id`; for a file also `len` |
| `log`, `status`, `tour` | see there |
| `save` | `id`, `path`, `len` |
| `drill` | `answered`, `after_ms` |
| `posture` | `state`, `since`, `official`, `why`, `peer_official` |
| `posture watch ...` | `watch [url]` |
| `charter show` | `charter` and `proposed {version, hash, channel, name, routes, turns, live_ms, notes_may_expire, tells_shown, created, signed_by}`, `own` and `peer {side, side_id, post, post_id, holder, node}` |
| `charter add-route`, `retire-route`, `sign` | `version`, `hash`; of the first two also `route` |
| `charter withdraw` | `withdrawn` |
| `charter revoke-node` | `revoked` |
| `statement say`, `correct`, `acknowledge`, `agree`, `decline` | `id` of the entry, `item`: the digest that the record knows it by |
| `conversation open`, `edit`, `withdraw`, `translate`, and every step of a meeting, case, swap, announcement or request | `id` of the entry |
| `conversation list` | `conversations [{id, subject, marking, members [{side, post}], entries, unread, last}]` |
| `report share` | `id`, `marking`, `objects` (their number) |
| `report export` | `out`, `marking`, `objects`, `told` (the entry that tells the originator) |
| `report forward` | `id`, `marking`, `told` |
| `taxii` | `url`, `token`, once it serves |
| `record show` | `head`, `channel`, `members`, `total`, `statements [{place, digest, at, by, asks, standing, number, corrects, corrected_by, texts, countersignatures, brought}]`, `missing` |
| `statement list` | `head`, `statements` as above |
| `record verify` | `verdict` (whole, partial or broken), `faults`, `record {head, channel, statements}`, `signets_not_given`, `revoked_later [{node, name, title, at}]` |
| `record export` | `path`, `len`, `head`, `items`, `sha256` |
| `draft note`, `statement`, `entry`, `forward` | `draft`: its number |
| `draft list` | `drafts [{number, by, at, request, file, refused {by, why}}]` |
| `draft refuse` | `refused`: its number |
| `draft release` | as that of what was drafted |
| `draft drop` | `dropped` |
| `release` | `persons [name]`, `two_persons` |
| `backup` | `file`, `len` |
| `restore` | `home`, `entries` |
| `doctor` | `findings [{check, state: well, attention or damaged, what, next}]` |
";
