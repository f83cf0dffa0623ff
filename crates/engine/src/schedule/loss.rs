//! Loss shown by the cells' own bitmaps: what we opened on a route, and what the peer says it opened.

use couloir_wire::cell::Loss;
use couloir_wire::limits::{LOSS_WINDOWS, MISSED_WINDOWS};
use couloir_wire::time::Window;

/// How many windows before the newest one a window must be to count as lost: the two before may still
/// be on their way, on a retry or a slower exchange.
const LOSS_GRACE_WINDOWS: u64 = 2;
const OLD_ENOUGH: u128 = u128::MAX << (LOSS_GRACE_WINDOWS + 1);

/// The last 128 windows of one route and which of them we opened from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenedWindows {
    opened: Bitmap,
    empty: Bitmap,
}

impl OpenedWindows {
    /// A cell of `window` was opened, whichever exchange brought it.
    pub fn opened(&mut self, window: Window) {
        self.opened.set(window);
    }

    /// The route answered, when `window`'s slot could no longer be filled, that it holds nothing there:
    /// it is not asked again.
    pub fn found_empty(&mut self, window: Window) {
        self.empty.set(window);
    }

    /// The route's clock went back to `current`: what lies after it is forgotten, or it would hide all
    /// that is opened until the clock is there again.
    pub fn went_back(&mut self, current: Window) {
        self.opened.forget_after(current);
        self.empty.forget_after(current);
    }

    /// What our cells tell the peer about this route, named `route`; nothing while nothing was opened.
    pub fn report(&self, route: [u8; 4]) -> Option<Loss> {
        let newest = self.opened.newest?;
        Some(Loss { route, newest, opened: self.opened.bits })
    }

    /// Recent windows worth asking for again in window `current`, newest first: neither opened nor found
    /// empty. Without the one before `current`, which is asked for anyway.
    pub fn missed(&self, current: Window) -> Vec<Window> {
        let recent = 2..=MISSED_WINDOWS;
        let windows = recent.filter_map(|back| current.0.checked_sub(back)).map(Window);
        windows.filter(|w| !self.opened.contains(*w) && !self.empty.contains(*w)).collect()
    }
}

/// How many of our last 128 windows on a route the peer says it lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LossCount {
    /// Sent, and not opened by the peer.
    pub lost: u32,
    /// Sent, and old enough for the peer to tell.
    pub reported: u32,
}

/// What the peer told about our cells on one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerReport {
    sent: Bitmap,
    opened: Bitmap,
    told: Bitmap,
    count: LossCount,
}

impl PeerReport {
    /// A cell of ours was stored in `window`.
    pub fn sent(&mut self, window: Window) {
        self.sent.set(window);
    }

    /// Takes in the peer's report `loss` on a route. Returns those of our windows that are shown lost, oldest
    /// first, each one once.
    ///
    /// A report that is older than one before changes nothing; neither does one about a window that we
    /// did not send. A peer that was restarted begins a new bitmap: what it opened before stays opened.
    pub fn lost(&mut self, loss: &Loss) -> Vec<Window> {
        let is_stale = self.opened.newest.is_some_and(|newest| loss.newest < newest);
        // Every cell of every route tells of this one: most tell what is known.
        let is_known =
            self.opened.newest == Some(loss.newest) && self.opened.bits | loss.opened == self.opened.bits;
        if is_stale || is_known || !self.sent.contains(loss.newest) {
            return Vec::new();
        }
        self.opened.set(loss.newest);
        self.opened.bits |= loss.opened;
        let judged = self.sent.seen_from(loss.newest) & OLD_ENOUGH;
        let lost = judged & !self.opened.bits;
        self.count_losses(judged, lost);
        let new = lost & !self.told.seen_from(loss.newest);
        let windows = (0..LOSS_WINDOWS).rev().filter(|back| new >> back & 1 == 1);
        let windows: Vec<Window> = windows.map(|back| Window(loss.newest.0.saturating_sub(back))).collect();
        windows.iter().for_each(|window| self.told.set(*window));
        windows
    }

    /// Losses among our last 128 windows. Windows before the first that the peer is known to have opened
    /// do not count: it may not have been there.
    pub fn count(&self) -> LossCount {
        self.count
    }

    /// The route's clock went back to `current`: what the peer told of later windows is forgotten.
    pub fn went_back(&mut self, current: Window) {
        self.sent.forget_after(current);
        self.opened.forget_after(current);
        self.told.forget_after(current);
    }

    fn count_losses(&mut self, judged: u128, lost: u128) {
        let unheard = self.opened.bits.leading_zeros();
        let heard = u128::MAX.checked_shr(unheard).unwrap_or(0);
        self.count = LossCount { lost: (lost & heard).count_ones(), reported: (judged & heard).count_ones() };
    }
}

/// Which of the 128 windows up to `newest` are marked: bit `i` tells of `newest - i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bitmap {
    newest: Option<Window>,
    bits: u128,
}

impl Bitmap {
    fn set(&mut self, window: Window) {
        let newest = self.newest.unwrap_or(window);
        if window >= newest {
            self.bits = shifted(self.bits, window.0 - newest.0, u128::checked_shl) | 1;
            self.newest = Some(window);
        } else {
            self.bits |= shifted(1, newest.0 - window.0, u128::checked_shl);
        }
    }

    fn contains(&self, window: Window) -> bool {
        let back = self.newest.and_then(|newest| newest.0.checked_sub(window.0));
        back.is_some_and(|back| shifted(self.bits, back, u128::checked_shr) & 1 == 1)
    }

    /// The bits as they are if bit 0 tells of `newest`; what is newer falls out.
    fn seen_from(&self, newest: Window) -> u128 {
        match self.newest {
            Some(own) if own >= newest => shifted(self.bits, own.0 - newest.0, u128::checked_shr),
            Some(own) => shifted(self.bits, newest.0 - own.0, u128::checked_shl),
            None => 0,
        }
    }

    fn forget_after(&mut self, current: Window) {
        let Some(newest) = self.newest.filter(|newest| *newest > current) else { return };
        self.bits = shifted(self.bits, newest.0 - current.0, u128::checked_shr);
        self.newest = (self.bits != 0).then_some(current);
    }
}

/// `bits` moved by `by` places with `shift`; nothing is left beyond the ends.
fn shifted(bits: u128, by: u64, shift: fn(u128, u32) -> Option<u128>) -> u128 {
    u32::try_from(by).ok().and_then(|by| shift(bits, by)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: [u8; 4] = [1, 2, 3, 4];

    fn after_sending(windows: impl Iterator<Item = u64>) -> PeerReport {
        let mut report = PeerReport::default();
        windows.for_each(|window| report.sent(Window(window)));
        report
    }

    fn report_of(opened: impl Iterator<Item = u64>) -> Loss {
        let mut windows = OpenedWindows::default();
        opened.for_each(|w| windows.opened(Window(w)));
        windows.report(ROUTE).expect("something was opened")
    }

    #[test]
    fn a_report_tells_of_the_last_128_windows_in_whatever_order_they_were_opened() {
        let one = report_of([1_000, 1_003, 1_001, 870, 876, 1_003].into_iter());
        assert_eq!(one.newest, Window(1_003));
        assert_eq!(one.opened, 0b1101 | 1 << 127);
        let far = report_of([5, u64::MAX, 7].into_iter());
        assert_eq!((far.newest, far.opened), (Window(u64::MAX), 1));
        assert_eq!(OpenedWindows::default().report(ROUTE), None);
    }

    #[test]
    fn a_missed_window_is_asked_for_until_it_is_opened_or_found_empty() {
        let mut windows = OpenedWindows::default();
        (900..999).filter(|w| ![990, 995, 940].contains(w)).for_each(|w| windows.opened(Window(w)));
        assert_eq!(windows.missed(Window(1_000)), vec![Window(995), Window(990)]);
        windows.opened(Window(990));
        windows.found_empty(Window(995));
        assert_eq!(windows.missed(Window(1_000)), vec![]);
        assert_eq!(windows.missed(Window(1_002)), vec![Window(1_000), Window(999)]);
        assert_eq!(OpenedWindows::default().missed(Window(3)), vec![Window(1), Window(0)]);
    }

    #[test]
    fn a_clock_that_went_back_does_not_hide_what_is_opened_after() {
        let mut windows = OpenedWindows::default();
        [1_000, 1_001, 900_000].into_iter().for_each(|w| windows.opened(Window(w)));
        windows.went_back(Window(1_002));
        windows.opened(Window(1_003));
        assert_eq!(windows.report(ROUTE), Some(Loss { route: ROUTE, newest: Window(1_003), opened: 1 }));
        windows.went_back(Window(1_002));
        windows.opened(Window(1_001));
        assert_eq!(windows.report(ROUTE).map(|loss| loss.opened), Some(1));
    }

    #[test]
    fn each_lost_window_is_told_once_and_not_before_two_more_came() {
        let mut report = after_sending(1_000..1_100);
        let lost_two = |newest: u64| report_of((1_000..=newest).filter(|w| ![1_010, 1_020].contains(w)));
        assert_eq!(report.lost(&lost_two(1_012)), vec![]);
        assert_eq!(report.lost(&lost_two(1_013)), vec![Window(1_010)]);
        assert_eq!(report.lost(&lost_two(1_030)), vec![Window(1_020)]);
        assert_eq!(report.lost(&lost_two(1_031)), vec![]);
        assert_eq!(report.count(), LossCount { lost: 2, reported: 29 });
    }

    #[test]
    fn a_relay_that_drops_one_cell_in_twenty_is_counted_within_minutes() {
        let mut report = after_sending(900..1_101);
        report.lost(&report_of((1_000..=1_100).filter(|w| w % 20 != 0 || *w == 1_100)));
        // The report begins with 1,001: before it the peer may not have been there.
        assert_eq!(report.count(), LossCount { lost: 4, reported: 97 });
    }

    #[test]
    fn windows_that_were_not_sent_are_not_lost() {
        let mut report = after_sending((1_000..1_100).filter(|w| w % 2 == 0));
        let opened = report_of((1_000..=1_098).filter(|w| w % 2 == 0));
        assert_eq!(report.lost(&opened), vec![]);
        assert_eq!(report.count().lost, 0);
    }

    #[test]
    fn a_stale_report_a_restarted_peer_and_a_made_up_window_show_no_loss() {
        let mut report = after_sending(1_000..1_100);
        assert_eq!(report.lost(&report_of(1_000..=1_050)), vec![]);
        assert_eq!(report.lost(&report_of([1_010].into_iter())), vec![], "stale");
        assert_eq!(report.lost(&report_of([u64::MAX].into_iter())), vec![], "made up");
        assert_eq!(report.lost(&report_of(1_051..=1_060)), vec![], "restarted");
        assert_eq!(report.count(), LossCount { lost: 0, reported: 58 });
    }

    #[test]
    fn a_stale_report_hides_no_loss() {
        let mut report = after_sending(1_000..1_100);
        let without_1_049 = |newest| report_of((1_000..=newest).filter(|w| *w != 1_049));
        assert_eq!(report.lost(&without_1_049(1_050)), vec![]);
        assert_eq!(report.lost(&report_of(1_000..=1_040)), vec![]);
        assert_eq!(report.lost(&without_1_049(1_055)), vec![Window(1_049)]);
    }
}
