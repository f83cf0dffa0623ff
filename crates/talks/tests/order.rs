//! Both desks compute the same state from the same entries, in whatever order they came.

use couloir_talks::announcement::{self, Announcement};
use couloir_talks::case::Case;
use couloir_talks::meeting::{self, Meeting};
use couloir_talks::sides::Sides;
use couloir_talks::swap::{self, Swap, commitment};
use couloir_talks::thread::Said;
use couloir_wire::entry::{
    AnnouncementAct, Body, CaseAct, CaseFile, Entry, LangText, MeetingAct, Note, Opened, Parent, PartialDate,
    Person, Place, Plan, Precedence, PublicLine, Publicity, Stance, StanceReport, Status, StatusReport,
    SwapAct, Swapped, TimeSpan,
};
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId, SideId};
use couloir_wire::time::WallTime;
use proptest::prelude::*;
use proptest::sample::Index;

const TOKYO: PostId = PostId([1; 16]);
const BEIJING: PostId = PostId([2; 16]);
const STRANGER: PostId = PostId([9; 16]);

fn sides() -> Sides {
    Sides::new([(TOKYO, SideId([1; 32])), (BEIJING, SideId([2; 32]))])
}

fn id(number: u8) -> EntryId {
    EntryId([number; 16])
}

/// An entry whose author had seen all with smaller numbers.
fn entry(number: u8, author: PostId, body: Body) -> Entry {
    let seen = Parent { id: id(number - 1), digest: Digest::default(), number: u64::from(number - 1) };
    let entry = Entry {
        id: id(number),
        conversation: ConversationId([7; 16]),
        author,
        parents: if number > 1 { vec![seen] } else { Vec::new() },
        at_ms: 1_790_000_000_000 + i64::from(number),
        precedence: Precedence::Routine,
        expires_ms: None,
        salt: [0; 16],
        marking: None,
        body,
    };
    assert_eq!(entry.check(), Ok(()));
    assert_eq!(Entry::decode(&entry.encode()), Ok(entry.clone()));
    entry
}

fn meeting(number: u8, author: PostId, act: MeetingAct) -> Entry {
    entry(number, author, Body::Meeting { of: (!act.is_opening()).then_some(id(1)), act })
}

fn case(number: u8, author: PostId, act: CaseAct) -> Entry {
    entry(number, author, Body::Case { of: (!act.is_opening()).then_some(id(1)), act })
}

fn swap(number: u8, author: PostId, act: SwapAct) -> Entry {
    entry(number, author, Body::Swap { of: (!act.is_opening()).then_some(id(1)), act })
}

fn announcement(number: u8, author: PostId, act: AnnouncementAct) -> Entry {
    entry(number, author, Body::Announcement { of: (!act.is_opening()).then_some(id(1)), act })
}

fn plan(city: &str) -> Plan {
    Plan {
        subject: "訪問".into(),
        windows: vec![TimeSpan { from: WallTime(10), until: WallTime(20) }],
        places: vec![Place { name: "飯店".into(), city: city.into(), zone: "Asia/Tokyo".into() }],
        participants: Vec::new(),
        agenda: vec!["航空".into()],
        publicity: Publicity::Undisclosed,
        recognition: None,
        fallback: None,
    }
}

fn accept(plan: u8) -> MeetingAct {
    MeetingAct::Accept { plan: id(plan), window: 0, place: 0 }
}

fn person(number: u16, status: Status) -> Person {
    Person {
        number,
        name: "山田太郎".into(),
        lang: "ja".parse().ok(),
        romanised: "YAMADA Taro".into(),
        born: "1980-05".parse().ok(),
        nationality: vec!["JP".into()],
        remark: String::new(),
        status,
    }
}

fn twelve() -> CaseFile {
    CaseFile {
        title: "十二名".into(),
        persons: (1..=12).map(|number| person(number, Status::Arrested)).collect(),
        what: String::new(),
        when: None,
        place: String::new(),
        legal_basis: String::new(),
        clocks: Vec::new(),
    }
}

fn status(persons: impl IntoIterator<Item = u16>, status: Status) -> CaseAct {
    let persons = persons.into_iter().collect();
    CaseAct::Status(StatusReport { persons, status, since: None, text: String::new() })
}

fn stance(persons: impl IntoIterator<Item = u16>, stance: Stance, on: Option<&str>) -> CaseAct {
    let on = on.and_then(|date| date.parse::<PartialDate>().ok());
    CaseAct::Answer(StanceReport { persons: persons.into_iter().collect(), stance, on, text: String::new() })
}

fn a_meeting() -> Vec<Entry> {
    vec![
        meeting(1, TOKYO, MeetingAct::Propose(plan("Tokyo"))),
        meeting(2, TOKYO, accept(1)),
        meeting(3, BEIJING, MeetingAct::Counter(plan("Macau"))),
        meeting(4, STRANGER, accept(3)),
        meeting(5, BEIJING, accept(1)),
        meeting(6, TOKYO, accept(3)),
    ]
}

fn a_case() -> Vec<Entry> {
    vec![
        case(1, TOKYO, CaseAct::Raise(twelve())),
        case(2, TOKYO, stance([], Stance::Released, None)),
        case(3, BEIJING, status(1..=8, Status::Indicted)),
        case(4, BEIJING, stance(1..=8, Stance::DomesticLaw, None)),
        case(5, BEIJING, stance([9], Stance::AccessGranted, Some("2026-12-01"))),
        case(6, BEIJING, CaseAct::Close { why: String::new() }),
        case(7, BEIJING, status([13], Status::Released)),
    ]
}

fn opened(text: &str) -> Opened {
    Opened { nonce: [5; 32], content: Swapped::Text(text.into()) }
}

fn bound(number: u8, author: PostId, text: &str) -> Entry {
    swap(number, author, SwapAct::Commit(commitment(id(1), author, &opened(text))))
}

fn a_swap() -> Vec<Entry> {
    vec![
        swap(1, TOKYO, SwapAct::Propose { subject: "名簿".into(), deadline: DEADLINE }),
        bound(2, TOKYO, "甲"),
        swap(3, TOKYO, SwapAct::Reveal(opened("甲"))),
        bound(4, BEIJING, "乙"),
        swap(5, TOKYO, SwapAct::Reveal(opened("甲"))),
        swap(6, BEIJING, SwapAct::Reveal(opened("乙"))),
        swap(7, BEIJING, SwapAct::Abort { why: String::new() }),
    ]
}

fn an_announcement() -> Vec<Entry> {
    let line = |text: &str| PublicLine {
        subject: "発表".into(),
        texts: vec![LangText { lang: "ja".parse().expect("a language"), text: text.into() }],
        embargo: WallTime(1_000),
        if_asked: String::new(),
    };
    vec![
        announcement(1, TOKYO, AnnouncementAct::Propose(line("一"))),
        announcement(2, BEIJING, AnnouncementAct::Counter(line("二"))),
        announcement(3, TOKYO, AnnouncementAct::Agree { line: id(2) }),
        announcement(4, BEIJING, AnnouncementAct::Published { at: WallTime(999), at_place: String::new() }),
    ]
}

fn counted(steps: &[couloir_talks::sides::Step<'_>]) -> Vec<bool> {
    steps.iter().map(|step| step.counts).collect()
}

/// After every step.
const DEADLINE: WallTime = WallTime(1_790_000_001_000);

#[test]
fn only_the_other_side_takes_the_newest_plan() {
    let (entries, sides) = (a_meeting(), sides());
    let meeting = Meeting::of(&entries, &sides).expect("a meeting");
    assert_eq!(counted(&meeting.steps), [true, false, true, false, false, true]);
    assert!(matches!(&meeting.standing, meeting::Standing::Agreed { place, .. } if place.city == "Macau"));
    let open = Meeting::of(&entries[..3], &sides).expect("a meeting");
    assert!(open.waits_for(TOKYO, &sides) && !open.waits_for(BEIJING, &sides));
}

#[test]
fn each_side_keeps_its_account_and_only_the_other_side_answers() {
    let (entries, sides) = (a_case(), sides());
    let case = Case::of(&entries, &sides).expect("a case");
    assert_eq!(counted(&case.steps), [true, false, true, true, true, false, false]);
    let count = |side: u8| case.count(SideId([side; 32])).into_iter().collect::<Vec<_>>();
    assert_eq!(count(1), [(Status::Arrested, 12)]);
    assert_eq!(count(2), [(Status::Indicted, 8)], "it said nothing of the others");
    let seen = case.picture(SideId([2; 32])).into_iter().collect::<Vec<_>>();
    assert_eq!(seen, [(Status::Arrested, 4), (Status::Indicted, 8)]);
    assert!(case.is_unanswered() && case.closed.is_none());
    assert_eq!(case.subjects[&9].answers[0].stance, Stance::AccessGranted);
}

#[test]
fn a_swap_shows_both_or_none() {
    let (entries, sides) = (a_swap(), sides());
    let done = Swap::of(&entries, &sides).expect("a swap");
    assert_eq!(counted(&done.steps), [true, true, false, true, true, true, false]);
    assert!(matches!(done.standing(WallTime(50)), swap::Standing::Done(shown) if shown.len() == 2));
    for len in 1..6 {
        let swap = Swap::of(&entries[..len], &sides).expect("a swap");
        let standing = swap.standing(WallTime(50));
        assert!(!matches!(standing, swap::Standing::Done(_)), "{len}: {standing:?}");
    }
    let bound = Swap::of(&entries[..4], &sides).expect("a swap");
    for (post, text) in [(TOKYO, "甲"), (BEIJING, "乙")] {
        let reveals = swap::Owed::Reveals(commitment(id(1), post, &opened(text)));
        assert_eq!(bound.owes(post, WallTime(500), true), Some(reveals));
    }
    assert_eq!(bound.owes(STRANGER, WallTime(500), true), None);
    assert_eq!(done.owes(TOKYO, WallTime(500), true), None);
    let late = Swap::of(&entries[..2], &sides).expect("a swap");
    assert_eq!(late.standing(DEADLINE), swap::Standing::Off(swap::Why::Late));
    assert_eq!(late.owes(BEIJING, DEADLINE, false), Some(swap::Owed::EndsLate));
}

#[test]
fn a_restored_node_reveals_only_after_the_other_until_it_is_sure() {
    let (entries, sides) = (a_swap(), sides());
    let bound = Swap::of(&entries[..4], &sides).expect("a swap");
    assert_eq!(bound.owes(BEIJING, WallTime(50), false), None);
    let revealed = Swap::of(&entries[..5], &sides).expect("a swap");
    let reveals = swap::Owed::Reveals(commitment(id(1), BEIJING, &opened("乙")));
    assert_eq!(revealed.owes(BEIJING, WallTime(50), false), Some(reveals));
    assert_eq!(revealed.owes(TOKYO, WallTime(50), false), None, "it has revealed");
}

#[test]
fn what_is_revealed_must_be_what_was_bound() {
    let mut entries = a_swap();
    entries[5] = swap(6, BEIJING, SwapAct::Reveal(opened("丙")));
    let sides = sides();
    let swap = Swap::of(&entries, &sides).expect("a swap");
    let standing = swap.standing(WallTime(50));
    assert_eq!(standing, swap::Standing::Off(swap::Why::Unfit(BEIJING)));
}

#[test]
fn a_line_made_public_before_its_time_is_seen() {
    let (entries, sides) = (an_announcement(), sides());
    let agreed = Announcement::of(&entries[..3], &sides).expect("an announcement");
    assert!(agreed.is_too_early(WallTime(999)) && !agreed.is_too_early(WallTime(1_000)));
    let public = Announcement::of(&entries, &sides).expect("an announcement");
    assert!(matches!(public.standing, announcement::Standing::Published { is_early: true, .. }));
}

#[test]
fn only_its_author_changes_what_was_said() {
    let first = entry(1, TOKYO, Body::note("first"));
    let about = [
        entry(2, TOKYO, Body::Edit { entry: id(1), text: "second".into() }),
        entry(3, BEIJING, Body::Edit { entry: id(1), text: "forged".into() }),
        entry(4, BEIJING, Body::Withdraw { entry: id(1) }),
    ];
    let said = Said::of(&first, &about);
    assert_eq!((said.text(), said.versions.len(), said.withdrawn), (Some("second"), 2, None));
    let withdrawn = [entry(5, TOKYO, Body::Withdraw { entry: id(1) })];
    let said = Said::of(&first, about.iter().chain(&withdrawn));
    assert_eq!((said.text(), said.withdrawn), (None, Some(id(5))));
}

#[test]
fn an_act_in_the_wrong_shape_is_refused() {
    let wrong = |body: Body| {
        let fine = entry(1, TOKYO, Body::note("x"));
        assert!(Entry { body, ..fine }.check().is_err());
    };
    wrong(Body::Meeting { of: Some(id(1)), act: MeetingAct::Propose(plan("Tokyo")) });
    wrong(Body::Meeting { of: None, act: accept(1) });
    wrong(Body::Meeting {
        of: None,
        act: MeetingAct::Propose(Plan { windows: Vec::new(), ..plan("Tokyo") }),
    });
    wrong(Body::Case { of: Some(id(1)), act: stance([], Stance::AccessGranted, None) });
    wrong(Body::Case { of: Some(id(1)), act: status([2, 1], Status::Tried) });
    wrong(Body::Note(Note { text: "x".into(), lang: None, reply_to: None, quote: Some("y".into()) }));
}

proptest! {
    /// Every arrival order, with repetitions, gives the same state.
    #[test]
    fn the_order_of_arrival_changes_nothing(swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..20), again in any::<Index>()) {
        let sides = sides();
        for entries in [a_meeting(), a_case(), a_swap(), an_announcement()] {
            let mut other = entries.clone();
            for (one, two) in &swaps {
                other.swap(one.index(entries.len()), two.index(entries.len()));
            }
            other.push(entries[again.index(entries.len())].clone());
            prop_assert_eq!(Meeting::of(&entries, &sides), Meeting::of(&other, &sides));
            prop_assert_eq!(Case::of(&entries, &sides), Case::of(&other, &sides));
            prop_assert_eq!(Swap::of(&entries, &sides), Swap::of(&other, &sides));
            prop_assert_eq!(Announcement::of(&entries, &sides), Announcement::of(&other, &sides));
        }
    }
}
