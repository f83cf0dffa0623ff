//! What a desk must read, in words: one line each.

use couloir_engine::Notice;

use crate::cli::plain::one_line;
use crate::cli::values::local;

fn begins(side: &str, title: &str) -> String {
    format!("a link with {side}, {title} begins; compare its phrase: couloir phrase --peer POST")
}

/// A notice as one line, with what to do where something is to be done.
pub fn words(notice: &Notice) -> String {
    match notice {
        Notice::Of { peer, what } => format!("{}: {}", one_line(peer), words(what)),
        Notice::Joined => "first contact is complete; compare the phrase: couloir phrase".into(),
        Notice::Introduced { side, title } => begins(&one_line(side), &one_line(title)),
        Notice::InvitationVoid => {
            "a second, different answer came to our invitation: somebody else has the file; verify only if the phrase is the same at both desks, else begin anew in another home: couloir init".into()
        }
        Notice::Restarted => "the peer lost its state, and the link was made anew; nothing said is lost".into(),
        Notice::RolledBack => "this node's state is older than what the peer has; the link is being made anew".into(),
        Notice::TwoNodes => {
            "two nodes claim the other desk's post: the link is frozen; once they have stopped one: couloir doctor --settle this".into()
        }
        Notice::FrozenThere => {
            "the other desk has frozen the link, since it sees two nodes that claim our post; stop one, then call them: they settle it".into()
        }
        Notice::Contradiction => {
            "the peer contradicted itself: the link is frozen; call them, then: couloir doctor --settle this".into()
        }
        Notice::SecondSelf => {
            "another machine writes with this node's identity or with the invitation that it used, or this disk was put back and the \
             clock is behind: set the clock; if another machine runs from a copy or a backup, stop it; if there is none, start this \
             node again"
                .into()
        }
        Notice::StoreDamaged => {
            "the store lacks something that was said: it is damaged; restore the newest backup: couloir restore".into()
        }
        Notice::ClockWrong { by_ms } => format!("this machine's clock is wrong by {} s; set it", by_ms / 1000),
        Notice::ClocksDiffer { by_ms } => {
            format!("this node's clock and the peer's are {} s apart; check both", by_ms.unsigned_abs() / 1000)
        }
        Notice::SlotTaken(route) => format!("route {route} is paused: another cell lies in our slot"),
        Notice::Active(since) => format!("ACTIVE: the official line is down since {}", local(since.0)),
        Notice::Standby(since) => format!("standby: the official line works again since {}", local(since.0)),
        Notice::DrillAnswered { after_ms } => format!("the line was tested: answered after {after_ms} ms"),
        Notice::DrillMissed => "the line was tested: NO answer; see couloir status".into(),
        Notice::PaperRefused(why) => format!("a paper of the peer's was refused: {}", one_line(why)),
        Notice::AmendmentWaits(hash) => {
            format!("a charter amendment waits for our officers: couloir charter show, then couloir charter sign {hash}")
        }
        Notice::AmendmentWithdrawn(hash) => {
            format!("the charter amendment {hash} was taken back, or another one goes before it: couloir charter show")
        }
        Notice::Amended(version) => format!("charter version {version} is in force"),
        Notice::Replaced(node) => {
            format!("our officers certified node {node} for this post: this one has handed everything over and ends")
        }
        Notice::Succession { title, holder, since_ms, node } => format!(
            "{} is held by {} since {}, on node {node}: its side's officers certified it under the same signet",
            one_line(title),
            holder.as_deref().map_or("nobody named".into(), one_line),
            local(*since_ms)
        ),
        Notice::Revoked(node) => format!("node {node} was revoked"),
        Notice::FileWhole(entry) => format!("file [{entry}] is whole: couloir save {entry} --out FILE"),
        Notice::FileDamaged(entry) => format!("file [{entry}] is damaged: its hash is not what its author said; ask them to send it again"),
    }
}
