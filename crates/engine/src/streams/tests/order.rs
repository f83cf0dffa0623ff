//! The kept order against a look at every segment.

use super::super::marks::Segments;
use super::*;

#[test]
fn what_is_kept_in_order_goes_as_if_every_segment_were_looked_at() {
    for seed in 0..60 {
        let (mut dice, mut segments) = (Dice::new(seed), Segments::default());
        let (mut end, mut carries) = (0, Vec::new());
        for tick in 1..400 {
            let (route, level) = (dice.below(3) as usize, dice.next().trailing_zeros().min(4) as u8);
            let placement = placement(route, level, tick);
            match dice.below(8) {
                0 => end += carried(&mut segments, &mut carries, &placement, (end, end + 40)),
                1 => {
                    let start = dice.below(end + 1);
                    segments.remove(start, (start + dice.below(60)).min(end).max(start));
                }
                2 if !carries.is_empty() => {
                    let (route, carry) = carries.swap_remove(dice.below(carries.len() as u64) as usize);
                    segments.fail(route, &carry);
                }
                3 if dice.is_one_in(9) => segments.forget_route(route),
                _ => {
                    let first = segments.first(&placement).map(|due| (due.rank, due.start));
                    assert_eq!(first, segments.first_of_all(&placement), "seed {seed}, tick {tick}");
                    let Some(due) = segments.take_first(&placement) else { continue };
                    let cut = due.end.min(due.start + 1 + dice.below(60));
                    carried(&mut segments, &mut carries, &placement, (due.start, cut));
                    segments.give_back(cut, due.end, &placement);
                }
            }
        }
    }
}

fn carried(
    segments: &mut Segments,
    carries: &mut Vec<(usize, Carry)>,
    placement: &Placement,
    (start, end): (u64, u64),
) -> u64 {
    segments.carry(start, end, placement);
    let carry = Carry { stream: Stream::Routine, start, end, stamp: placement.stamp(), life: 0 };
    carries.push((placement.route, carry));
    end - start
}

fn placement(route: usize, level: u8, tick: u64) -> Placement {
    Placement {
        route,
        tick,
        level,
        is_heard: false,
        now_ms: tick,
        is_prompt: false,
        bulk_retry_ms: RETRY_MS,
        is_bulk_held: false,
    }
}
