use proptest::prelude::*;

use super::*;

#[test]
fn every_permitted_cell_size_has_its_class() {
    for (class, octets) in (0u8..).zip(CellSize::PERMITTED) {
        let size = CellSize::from_octets(usize::from(octets)).expect("permitted");
        assert_eq!((size.class(), CellSize::from_class(class)), (class, Some(size)));
    }
    assert_eq!((CellSize::from_octets(2_000), CellSize::from_class(5)), (None, None));
}

#[test]
fn the_default_exchange_has_the_lengths_that_the_protocol_states() {
    assert_eq!(request_len(CellSize::DEFAULT, 1, 2), 28 + 40 + 2_048 + 64);
    assert_eq!(answer_len(CellSize::DEFAULT, 1, 2), 16 + 1 + 2 * 2_049);
    assert_eq!(request_len(CellSize::LARGEST, 4, 64), REQUEST_LEN_MAX);
}

#[test]
fn cells_of_unlike_size_and_empty_exchanges_cannot_be_encoded() {
    let mut exchange = example(CellSize::DEFAULT, 2, 4);
    exchange.puts[1].cell.pop();
    assert_eq!(exchange.encode(), Err(ExchangeError::CellSize));
    exchange.puts.clear();
    assert_eq!(exchange.encode(), Err(ExchangeError::Count));
}

#[test]
fn the_vectors_of_another_implementation_are_read_and_written_alike() {
    let asked = Exchange::decode(&octets(REQUEST_VECTOR)).expect("a request");
    let shape = asked.shape().expect("a shape");
    assert_eq!((shape.cell(), shape.lanes(), shape.gets()), (CellSize::SMALLEST, 2, 4));
    assert_eq!(asked.access_key, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    let second = Put { token: WriteToken([0x11; 32]), window: Window(895_000_001), cell: vec![0x21; 512] };
    assert_eq!((&asked.puts[1], asked.gets[3]), (&second, Slot([0x33; 32])));
    assert_eq!(asked.encode(), Ok(octets(REQUEST_VECTOR)));
    let answer = ExchangeAnswer::decode(&octets(ANSWER_VECTOR), shape).expect("an answer");
    assert_eq!(answer.time, WallTime(1_790_000_000_123));
    assert_eq!(answer.puts, [PutOutcome::Stored, PutOutcome::Taken]);
    assert_eq!(answer.gets, [None, Some(vec![0x41; 512]), None, None]);
    assert_eq!(answer.encode(shape.cell()), Ok(octets(ANSWER_VECTOR)));
}

#[test]
fn debug_shows_neither_key_nor_token() {
    let text = format!("{:?}", example(CellSize::DEFAULT, 1, 2));
    assert!(!text.contains("170") && !text.contains("aaaa"), "{text}");
}

proptest! {
    #[test]
    fn an_exchange_survives_its_encoding(exchange in exchanges()) {
        let bytes = exchange.encode().expect("well formed");
        prop_assert_eq!(bytes.len(), exchange.shape().expect("well formed").request_len());
        prop_assert_eq!(Exchange::decode(&bytes), Ok(exchange));
    }

    #[test]
    fn an_exchange_of_another_length_is_refused(exchange in exchanges(), cut in 1usize..600, more: bool) {
        let mut bytes = exchange.encode().expect("well formed");
        let len = if more { bytes.len() + cut } else { bytes.len() - cut };
        bytes.resize(len, 0);
        prop_assert_eq!(Exchange::decode(&bytes), Err(ExchangeError::Length));
    }

    #[test]
    fn whatever_is_accepted_is_its_own_encoding(exchange in exchanges(), at in 0usize..28, octet: u8) {
        let mut bytes = exchange.encode().expect("well formed");
        bytes[at] = octet;
        if let Ok(read) = Exchange::decode(&bytes) {
            prop_assert_eq!(read.encode(), Ok(bytes));
        }
    }

    #[test]
    fn an_answer_survives_its_encoding((answer, shape) in answers()) {
        let bytes = answer.encode(shape.cell()).expect("well formed");
        prop_assert_eq!(bytes.len(), shape.answer_len());
        prop_assert_eq!(ExchangeAnswer::decode(&bytes, shape), Ok(answer));
    }

    #[test]
    fn a_changed_answer_is_refused_or_its_own_encoding((answer, shape) in answers(), at: usize, octet: u8) {
        let mut bytes = answer.encode(shape.cell()).expect("well formed");
        let at = at % bytes.len();
        bytes[at] = octet;
        if let Ok(read) = ExchangeAnswer::decode(&bytes, shape) {
            prop_assert_eq!(read.encode(shape.cell()), Ok(bytes));
        }
    }

    #[test]
    fn any_octets_are_decoded_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4_200)) {
        let shape = Shape::new(CellSize::from_octets(512).expect("permitted"), 1, 2).expect("in bounds");
        prop_assert!(Exchange::decode(&bytes).is_err());
        prop_assert!(ExchangeAnswer::decode(&bytes, shape).is_err());
    }
}

const REQUEST_VECTOR: &str = include_str!("../../../../testdata/wire/exchange-request.hex");
const ANSWER_VECTOR: &str = include_str!("../../../../testdata/wire/exchange-answer.hex");

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn example(cell: CellSize, lanes: usize, gets: usize) -> Exchange {
    let put = Put { token: WriteToken([0xaa; 32]), window: Window(7), cell: vec![1; cell.octets()] };
    Exchange {
        access_key: [0xaa; ACCESS_KEY_LEN],
        window_length: WindowLength::DEFAULT,
        puts: vec![put; lanes],
        gets: vec![Slot([3; 32]); gets],
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    (0u8..5, 1usize..=4, 1usize..=64).prop_map(|(class, lanes, gets)| {
        let cell = CellSize::from_class(class).expect("permitted");
        Shape::new(cell, lanes, gets).expect("in bounds")
    })
}

fn exchanges() -> impl Strategy<Value = Exchange> {
    let windows = proptest::sample::select(WindowLength::PERMITTED_MS.to_vec());
    (shapes(), any::<u64>(), any::<[u8; 32]>(), any::<[u8; 16]>(), windows).prop_map(
        |(shape, window, token, access_key, window_ms)| {
            let mut exchange = example(shape.cell(), shape.lanes(), shape.gets());
            exchange.window_length = WindowLength::from_ms(window_ms).expect("permitted");
            exchange.access_key = access_key;
            exchange.puts[0].token = WriteToken(token);
            exchange.puts[shape.lanes() - 1].window = Window(window);
            exchange
        },
    )
}

fn answers() -> impl Strategy<Value = (ExchangeAnswer, Shape)> {
    (shapes(), any::<i64>(), any::<u64>(), any::<u8>()).prop_map(|(shape, time, found, seed)| {
        let outcome = |lane| PutOutcome::ALL[(usize::from(seed) + lane) % 5];
        let cell = |n: usize| (found >> n & 1 == 1).then(|| vec![seed; shape.cell().octets()]);
        let puts = (0..shape.lanes()).map(outcome).collect();
        (ExchangeAnswer { time: WallTime(time), puts, gets: (0..shape.gets()).map(cell).collect() }, shape)
    })
}
