//! A meeting, computed from its steps (PROTOCOL §7.7).
//!
//! *Proposed.* One plan stands: the newest. *Agreed.* Another side than its author's took one of its windows and
//! one of its places. A newer plan opens it again. *Ended.* Cancelled by whichever side, or held. After its end
//! nothing changes it but the word that it was held all the same.

use couloir_wire::entry::{Body, Entry, MeetingAct, Place, Plan, TimeSpan};
use couloir_wire::id::{EntryId, PostId};
use couloir_wire::time::WallTime;

use crate::sides::{Sides, Step, in_place};

/// How far a meeting has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'e> {
    /// A plan waits for the other side.
    Proposed,
    /// A window and a place are agreed.
    Agreed {
        /// When.
        window: TimeSpan,
        /// Where.
        place: &'e Place,
        /// Who took it.
        by: PostId,
    },
    /// It does not take place.
    Cancelled {
        /// Who said so.
        by: PostId,
        /// Why; may be empty.
        why: &'e str,
    },
    /// It took place.
    Held {
        /// When it began.
        at: WallTime,
        /// What is to be remembered; may be empty.
        remark: &'e str,
    },
}

/// A meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting<'e> {
    /// The entry that opened it.
    pub id: EntryId,
    /// The plan that stands.
    pub plan: &'e Plan,
    /// The entry with that plan.
    pub plan_entry: EntryId,
    /// Who proposed that plan.
    pub plan_by: PostId,
    /// How far it has come.
    pub standing: Standing<'e>,
    /// Every step.
    pub steps: Vec<Step<'e>>,
}

impl<'e> Meeting<'e> {
    /// Of the entries of one matter; none if no meeting was opened among them.
    pub fn of(entries: impl IntoIterator<Item = &'e Entry>, sides: &Sides) -> Option<Meeting<'e>> {
        let mut meeting: Option<Meeting<'e>> = None;
        for entry in in_place(entries) {
            let Body::Meeting { of, act } = &entry.body else { continue };
            match (&mut meeting, act) {
                (None, MeetingAct::Propose(plan)) if of.is_none() => {
                    meeting = Some(Meeting::open(entry, plan))
                }
                (Some(open), act) if *of == Some(open.id) => open.take(entry, act, sides),
                _ => {}
            }
        }
        meeting
    }

    fn open(entry: &'e Entry, plan: &'e Plan) -> Meeting<'e> {
        Meeting {
            id: entry.id,
            plan,
            plan_entry: entry.id,
            plan_by: entry.author,
            standing: Standing::Proposed,
            steps: vec![Step { entry, counts: true }],
        }
    }

    fn take(&mut self, entry: &'e Entry, act: &'e MeetingAct, sides: &Sides) {
        let counts = self.next(entry, act, sides).map(|standing| self.standing = standing).is_some();
        self.steps.push(Step { entry, counts });
    }

    /// Where the step leads; none if it leads nowhere.
    fn next(&mut self, entry: &'e Entry, act: &'e MeetingAct, sides: &Sides) -> Option<Standing<'e>> {
        sides.of(entry.author)?;
        let is_open = matches!(self.standing, Standing::Proposed | Standing::Agreed { .. });
        match act {
            MeetingAct::Propose(_) => None,
            MeetingAct::Counter(plan) => is_open.then(|| {
                (self.plan, self.plan_entry, self.plan_by) = (plan, entry.id, entry.author);
                Standing::Proposed
            }),
            MeetingAct::Accept { plan, window, place } => {
                let is_fit = *plan == self.plan_entry
                    && self.standing == Standing::Proposed
                    && sides.is_other(entry.author, self.plan_by);
                let window = *self.plan.windows.get(usize::from(*window)).filter(|_| is_fit)?;
                let place = self.plan.places.get(usize::from(*place))?;
                Some(Standing::Agreed { window, place, by: entry.author })
            }
            MeetingAct::Cancel { why } => is_open.then_some(Standing::Cancelled { by: entry.author, why }),
            MeetingAct::Held { at, remark } => {
                let is_held = matches!(self.standing, Standing::Held { .. });
                (!is_held).then_some(Standing::Held { at: *at, remark })
            }
        }
    }

    /// Whether `post` owes the next word: a plan of another side waits.
    pub fn waits_for(&self, post: PostId, sides: &Sides) -> bool {
        self.standing == Standing::Proposed && sides.is_other(post, self.plan_by)
    }
}
