//! Amendments that cross.

use couloir_wire::papers::SignedCharter;

use super::*;

/// The next version, named `name`, as the officers of node `by` signed it.
fn amendment(offices: &Offices, by: usize, name: &str) -> SignedCharter {
    let party = &offices.engines[by].party;
    let next = Charter {
        version: 2,
        previous: party.charter_digest(),
        invited: party.invited_id().expect("a peer"),
        name: name.to_owned(),
        ..party.charter().expect("a charter").clone()
    };
    signed(offices, by, Signed::unsigned(next).expect("a charter"))
}

fn signed(offices: &Offices, by: usize, mut paper: SignedCharter) -> SignedCharter {
    sign(&mut paper, offices.engines[by].party.own.side(), 0, &offices.officers[by]);
    paper
}

#[test]
fn of_two_amendments_that_cross_both_desks_are_left_with_that_of_the_lower_hash() {
    let mut offices = Offices::linked();
    let papers = [amendment(&offices, 0, "甲"), amendment(&offices, 1, "乙")];
    let first = usize::from(digest(&papers[1]) < digest(&papers[0]));

    for (node, paper) in papers.iter().enumerate() {
        offices.step(node, vec![Input::Adopt(paper.encode())]);
    }
    offices.pass(5);

    let winner = Some(Paper(papers[first].encode()));
    for engine in &offices.engines {
        assert_eq!(engine.party.state.proposed, winner);
    }
    let both = signed(&offices, 1 - first, papers[first].clone());
    offices.give(1 - first, Input::Adopt(both.encode()));
    offices.pass(5);
    for engine in &offices.engines {
        assert_eq!(engine.party.charter_digest(), Some(digest(&both)));
    }
}
