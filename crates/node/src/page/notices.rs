//! What the node tells its desk, in the desk's language.

use couloir_engine::Notice;

use super::tongue::{Filling, Language};
use super::visit::Visit;

/// A notice as one sentence or two, with what to do.
pub fn words(visit: &Visit<'_>, notice: &Notice) -> String {
    words_in(visit.language(), notice, &|ms| visit.brief(ms))
}

fn words_in(language: Language, notice: &Notice, brief: &dyn Fn(i64) -> String) -> String {
    if let Notice::Of { peer, what } = notice {
        let what = words_in(language, what, brief);
        return language.tn("notice-of", &[("peer", peer.as_str().into()), ("what", what.into())]);
    }
    let (id, filling) = message(notice, brief);
    let fillings: Vec<_> = filling.into_iter().map(|filling| ("what", filling)).collect();
    language.tn(id, &fillings)
}

fn message<'n>(notice: &'n Notice, brief: &dyn Fn(i64) -> String) -> (&'static str, Option<Filling<'n>>) {
    let seconds = |ms: i64| Some(Filling::from((ms.unsigned_abs() / 1_000).to_string()));
    let clock = |ms: i64| Some(Filling::from(brief(ms)));
    match notice {
        Notice::Of { what, .. } => message(what, brief),
        Notice::Joined => ("notice-joined", None),
        Notice::Introduced { side, title } => ("notice-introduced", Some(format!("{side}, {title}").into())),
        Notice::InvitationVoid => ("notice-invitation-void", None),
        Notice::Restarted => ("notice-restarted", None),
        Notice::RolledBack => ("notice-rolled-back", None),
        Notice::TwoNodes => ("notice-two-nodes", None),
        Notice::FrozenThere => ("notice-frozen-there", None),
        Notice::Contradiction => ("notice-contradiction", None),
        Notice::SecondSelf => ("notice-second-self", None),
        Notice::StoreDamaged => ("notice-store-damaged", None),
        Notice::ClockWrong { by_ms } => ("notice-clock-wrong", seconds(*by_ms)),
        Notice::ClocksDiffer { by_ms } => ("notice-clocks-differ", seconds(*by_ms)),
        Notice::SlotTaken(route) => ("notice-slot-taken", Some(route.to_string().into())),
        Notice::Active(since) => ("notice-active", clock(since.0)),
        Notice::Standby(since) => ("notice-standby", clock(since.0)),
        Notice::DrillAnswered { after_ms } => ("notice-drill-answered", Some(after_ms.to_string().into())),
        Notice::DrillMissed => ("notice-drill-missed", None),
        Notice::PaperRefused(why) => ("notice-paper-refused", Some(why.as_str().into())),
        Notice::AmendmentWaits(hash) => ("notice-amendment-waits", Some(hash.to_string().into())),
        Notice::AmendmentWithdrawn(hash) => ("notice-amendment-withdrawn", Some(hash.to_string().into())),
        Notice::Amended(version) => ("notice-amended", Some(version.to_string().into())),
        Notice::Replaced(node) => ("notice-replaced", Some(node.to_string().into())),
        Notice::Succession { title, holder, .. } => {
            let who = holder.as_deref().map_or_else(|| title.clone(), |holder| format!("{holder}, {title}"));
            ("notice-succession", Some(who.into()))
        }
        Notice::Revoked(node) => ("notice-revoked", Some(node.to_string().into())),
        Notice::FileWhole(_) => ("notice-file-whole", None),
        Notice::FileDamaged(_) => ("notice-file-damaged", None),
    }
}

#[cfg(test)]
mod tests {
    use couloir_wire::id::{Digest, EntryId, NodeId, RouteId};
    use couloir_wire::time::WallTime;

    use super::*;

    #[test]
    fn every_notice_is_a_sentence_with_what_it_is_about_in_each_language() {
        let (word, at_ms) = ("課長".to_owned(), 7_000);
        let filled = [
            Notice::Introduced { side: word.clone(), title: word.clone() },
            Notice::ClockWrong { by_ms: at_ms },
            Notice::ClocksDiffer { by_ms: at_ms },
            Notice::SlotTaken(RouteId([7; 16])),
            Notice::Active(WallTime(at_ms)),
            Notice::Standby(WallTime(at_ms)),
            Notice::DrillAnswered { after_ms: 7 },
            Notice::PaperRefused(word.clone()),
            Notice::AmendmentWaits(Digest([7; 32])),
            Notice::AmendmentWithdrawn(Digest([7; 32])),
            Notice::Amended(7),
            Notice::Replaced(NodeId([7; 16])),
            Notice::Succession { title: word, holder: None, since_ms: at_ms, node: NodeId([7; 16]) },
            Notice::Revoked(NodeId([7; 16])),
        ];
        let plain =
            [Notice::Joined, Notice::InvitationVoid, Notice::Restarted, Notice::FileWhole(EntryId([7; 16]))];
        let of_peer = Notice::Of { peer: "課長".to_owned(), what: Box::new(Notice::Joined) };
        for language in Language::ALL {
            let words = words_in(language, &of_peer, &|_| String::new());
            assert!(words.contains("課長") && words.contains(&language.t("notice-joined")), "{words}");
            for notice in filled.iter().chain(&plain) {
                let (id, filling) = message(notice, &|_| "7".to_owned());
                let words = words_in(language, notice, &|_| "7".to_owned());
                assert_ne!(words, id);
                let is_about = words.contains('7') || words.contains("課長");
                assert_eq!(is_about, filling.is_some(), "{language:?}: {words}");
            }
        }
    }
}
