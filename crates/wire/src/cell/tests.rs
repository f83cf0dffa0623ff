use super::*;

fn status() -> Status {
    Status {
        desk: Desk::Here,
        desk_since_s: 7,
        official: Official::Down,
        official_since_s: 9,
        is_verified: true,
        written: WallTime(1_790_000_000_123),
    }
}

fn written(len: usize) -> (Content, Vec<u8>) {
    let content = Content {
        status: status(),
        life: Some(Life {
            writer: [1; 4],
            reader: [2; 4],
            is_put_back: true,
            lineage: vec![
                Origin { life: [3; 4], said: [0, 1 << 33, 0, 0, 5, 0], read: [7; STREAMS] },
                Origin { life: [1; 4], said: [9, 1 << 33, 0, 0, 6, 0], read: [8; STREAMS] },
            ],
        }),
        acks: vec![Ack { stream: Stream::Routine, delivered: 300, ranges: vec![(400, 401), (500, 900)] }],
        losses: vec![Loss { route: [1, 2, 3, 4], newest: Window(895_000_000), opened: 5 }],
        fragments: vec![
            Fragment { stream: Stream::Flash, offset: 1 << 40, first_start: Some(2), octets: vec![7; 9] },
            Fragment { stream: Stream::Bulk, offset: 0, first_start: None, octets: vec![8; 300] },
        ],
    };
    let mut writer = CellWriter::new(len, &content.status);
    content.life.iter().for_each(|life| writer.life(life));
    content.acks.iter().for_each(|ack| writer.ack(ack));
    content.losses.iter().for_each(|loss| writer.loss(loss));
    for f in &content.fragments {
        writer.fragment(f.stream, f.offset, f.first_start, &f.octets);
    }
    (content, writer.padded())
}

#[test]
fn what_is_written_is_read() {
    let (content, octets) = written(2_008);
    assert_eq!(octets.len(), 2_008);
    assert_eq!(Content::decode(&octets), Ok(content));
}

#[test]
fn a_cell_cut_anywhere_is_refused_or_reads_as_a_shorter_one_and_never_panics() {
    let (content, octets) = written(600);
    for cut in 0..octets.len() {
        if let Ok(shorter) = Content::decode(&octets[..cut]) {
            assert!(shorter.fragments.len() <= content.fragments.len());
        }
    }
}

#[test]
fn padding_that_hides_something_is_refused() {
    let (_, mut octets) = written(2_008);
    *octets.last_mut().expect("not empty") = 1;
    assert!(Content::decode(&octets).is_err());
}

#[test]
fn a_full_cell_leaves_out_what_does_not_fit() {
    let mut writer = CellWriter::new(STATUS_OCTETS + 8, &status());
    writer.loss(&Loss { route: [0; 4], newest: Window(1), opened: 1 });
    let ranges = (1..40).map(|i| (i * 1_000, i * 1_000 + 500)).collect();
    writer.ack(&Ack { stream: Stream::Control, delivered: 1, ranges });
    let content = Content::decode(&writer.padded()).expect("well formed");
    assert!(content.losses.is_empty());
    assert_eq!(content.acks[0].ranges, vec![(1_000, 1_500)]);
}

#[test]
fn a_varint_has_one_form() {
    for value in [0, 1, 127, 128, 16_383, 16_384, u64::MAX] {
        let mut octets = Vec::new();
        put_varint(&mut octets, value);
        assert_eq!(octets.len(), varint_len(value));
        assert_eq!(take_varint(&octets), Some((value, &[][..])));
    }
    assert_eq!(take_varint(&[0x80, 0]), None);
    assert_eq!(take_varint(&[0xff; 11]), None);
    assert_eq!(take_varint(&[0x80]), None);
}
