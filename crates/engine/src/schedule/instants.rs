//! Instants within a window, drawn in advance so that nothing that happens can move them.

use couloir_wire::time::WindowLength;

/// When within a window its exchange begins, in milliseconds after it opens: uniform in the window's
/// first three quarters, so that the last quarter is left for the way and for clocks that differ.
///
/// `below` draws a number below its argument, each equally likely.
pub fn draw_instant_ms(window: WindowLength, below: impl FnOnce(u64) -> u64) -> u64 {
    below(window.ms() * 3 / 4)
}

/// How long before a window opens its content must have been packed, in milliseconds: a twentieth of
/// the window, but at least 5 (a slow sealing) and at most 100 (what people would notice).
pub fn fill_lead_ms(window: WindowLength) -> u64 {
    (window.ms() / 20).clamp(5, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> impl Iterator<Item = WindowLength> {
        WindowLength::PERMITTED_MS.into_iter().filter_map(WindowLength::from_ms)
    }

    #[test]
    fn an_instant_lies_in_the_first_three_quarters_of_its_window() {
        for window in lengths() {
            assert_eq!(draw_instant_ms(window, |_| 0), 0);
            let last = draw_instant_ms(window, |bound| bound - 1);
            assert_eq!(last, window.ms() / 4 * 3 - 1, "{window:?}");
        }
    }

    #[test]
    fn content_is_packed_between_5_and_100_ms_ahead() {
        let leads: Vec<u64> = lengths().map(fill_lead_ms).collect();
        assert_eq!(leads, [5, 10, 25, 50, 100, 100, 100, 100, 100]);
    }
}
