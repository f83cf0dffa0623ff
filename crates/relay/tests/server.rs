//! The real binary over real sockets.

mod support;

use std::process::Command;

use couloir_relay::limits::{FIXED_MEMORY_OCTETS, INDEX_OCTETS_PER_CELL_MAX};
use couloir_wire::exchange::{CellSize, Exchange, Put, PutOutcome, REQUEST_LEN_MAX};
use couloir_wire::time::Window;
use proptest::prelude::*;
use support::{LENGTH, RelayProcess, cell, exchange, exchange_at, request_head, wall_time};

#[test]
fn acknowledged_cells_survive_kill_9_whenever_it_comes() {
    let data = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Vec::new();
    for life in 0..4u64 {
        let relay = RelayProcess::start(data.path(), &[]);
        let writers: Vec<_> = (0..8u64)
            .map(|writer| {
                let mut client = relay.client();
                std::thread::spawn(move || write_until_cut(&mut client, (life * 8 + writer) << 32))
            })
            .collect();
        await_puts(&relay, &acknowledged);
        relay.kill();
        acknowledged.extend(writers.into_iter().flat_map(|writer| writer.join().expect("a writer")));
    }
    let relay = RelayProcess::start(data.path(), &[]);
    assert!(acknowledged.len() > 100, "only {} were acknowledged", acknowledged.len());
    assert_all_there(&relay, &acknowledged);
}

#[test]
fn a_relay_stops_in_order_on_sigterm_and_serves_again_with_the_same_pin() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &[]);
    let first_pin = relay.pin.clone();
    assert_eq!(relay.client().exchange(&exchange(1, &[1, 2])).expect("answered").puts, [PutOutcome::Stored]);
    assert_eq!(relay.stop(), Some(0));
    let relay = RelayProcess::start(data.path(), &[]);
    assert_eq!(relay.pin, first_pin);
    let answer = relay.client().exchange(&exchange(1, &[1, 2])).expect("answered");
    assert_eq!(
        (answer.puts, answer.gets),
        (vec![PutOutcome::Same], vec![Some(cell(1, CellSize::DEFAULT)), None])
    );
}

#[test]
fn connections_are_tls_1_3_with_the_hybrid_key_exchange() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &[]);
    let mut client = relay.client();
    client.exchange(&exchange(1, &[1, 2])).expect("answered");
    let (suite, group) = client.suite_and_group();
    assert!(suite.starts_with("TLS13_") && group == "X25519MLKEM768", "{suite} {group}");
}

#[test]
fn found_absent_refused_and_wrong_window_answers_have_one_size() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = data.path().join("keys");
    std::fs::write(&keys, "ab".repeat(16)).expect("written");
    let relay = RelayProcess::start(data.path(), &["--access-key-file", keys.to_str().expect("UTF-8")]);
    let mut client = relay.client();
    let with_key = |exchange: Exchange| Exchange { access_key: [0xab; 16], ..exchange };
    let asked = [
        (with_key(exchange(1, &[1, 2])), PutOutcome::Stored),
        (with_key(exchange(1, &[8, 9])), PutOutcome::Same),
        (with_key(exchange_at(Window(5), 3, &[1, 1])), PutOutcome::WrongWindow),
        (exchange(4, &[1, 2]), PutOutcome::Refused),
    ];
    for (exchange, outcome) in asked {
        let (status, body) = client.post(&exchange.encode().expect("well formed")).expect("answered");
        assert_eq!((status, body.len(), body[16]), (200, support::shape(2).answer_len(), octet_of(outcome)));
    }
}

#[test]
fn what_is_no_exchange_gets_an_empty_400_and_what_does_not_exist_an_empty_404() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &[]);
    let mut whole = exchange(1, &[1, 2]).encode().expect("well formed");
    whole.pop();
    for body in [&b""[..], b"hello", &whole] {
        assert_eq!(relay.client().post(body).expect("answered"), (400, vec![]));
    }
    for (method, path) in [("GET", "/cells"), ("POST", "/"), ("GET", "/metrics"), ("PUT", "/cells")] {
        assert_eq!(
            relay.client().request(method, path, b"").expect("answered"),
            (404, vec![]),
            "{method} {path}"
        );
    }
}

#[test]
fn giant_broken_and_unfinished_requests_harm_nobody_else() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &[]);
    let mut giant = relay.client();
    giant.send(request_head("POST", "/cells", 1 << 40).as_bytes()).expect("sent");
    assert_eq!(giant.receive().expect("answered").0, 400);
    let mut endless = relay.client();
    let chunked = "POST /cells HTTP/1.1\r\nhost: r\r\ntransfer-encoding: chunked\r\n\r\n";
    endless.send(chunked.as_bytes()).expect("sent");
    let piece = [b"4000\r\n".as_slice(), &[7; 0x4000], b"\r\n"].concat();
    for _ in 0..REQUEST_LEN_MAX / 0x4000 + 2 {
        if endless.send(&piece).is_err() {
            break;
        }
    }
    let mut long_head = relay.client();
    let _ = long_head.send(&[b"POST /cells HTTP/1.1\r\nx: ".as_slice(), &[b'a'; 100_000]].concat());
    assert!(long_head.drain() < 1_000);
    let unfinished: Vec<_> = (0..200)
        .map(|_| {
            let mut client = relay.client();
            client.send(b"POST /cells HTTP/1.1\r\nhost").expect("sent");
            client
        })
        .collect();
    let answer = relay.client().exchange(&exchange(1, &[1, 2])).expect("answered");
    assert_eq!(answer.puts, [PutOutcome::Stored]);
    drop(unfinished);
}

#[test]
fn a_body_that_does_not_end_is_cut_and_meanwhile_others_are_served() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &[]);
    let mut slow = relay.client();
    slow.send(&[request_head("POST", "/cells", 2_180).as_bytes(), &[0; 100]].concat()).expect("sent");
    assert_eq!(relay.client().exchange(&exchange(1, &[1, 2])).expect("answered").puts, [PutOutcome::Stored]);
    assert_eq!(slow.drain(), 0, "cut without an answer");
}

#[test]
fn many_connections_with_the_largest_exchanges_stay_within_the_memory_that_is_promised() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &[]);
    let mut clients: Vec<_> = (0..800).map(|_| relay.client()).collect();
    let largest: Vec<_> = (0..100u64).map(largest_exchange).collect();
    let body = |at: usize| largest[at % 100].encode().expect("well formed");
    for (at, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.post(&body(at)).expect("answered").0, 200);
    }
    // Answers that nobody takes wait in bounds, too.
    for (at, client) in clients.iter_mut().enumerate() {
        let head = request_head("POST", "/cells", body(at).len());
        client.send(&[head.as_bytes(), &body(at)].concat()).expect("sent");
    }
    let usual = relay.client().exchange(&exchange(1 << 20, &[1, 2])).expect("answered");
    assert_eq!(usual.puts, [PutOutcome::Stored], "the usual exchange waits for nobody");
    let answered = clients.iter_mut().filter_map(|client| client.receive().ok()).filter(|(s, _)| *s == 200);
    assert!(answered.count() > 0);
    let cells = 400;
    let bound = FIXED_MEMORY_OCTETS + cells * INDEX_OCTETS_PER_CELL_MAX;
    assert!(relay.resident_octets_max() <= bound as u64, "{} octets", relay.resident_octets_max());
}

#[test]
fn beyond_the_quota_cells_are_refused_and_reading_goes_on() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &["--max-bytes", "1048576"]);
    let mut client = relay.client();
    let mut put = |number| client.exchange(&exchange(number, &[0, number])).expect("answered");
    let outcomes: Vec<_> = (0..600).map(|number| put(number).puts[0]).collect();
    let stored = outcomes.iter().take_while(|outcome| **outcome == PutOutcome::Stored).count();
    assert!((400..=512).contains(&stored), "{stored}");
    assert!(outcomes[stored..].iter().all(|outcome| *outcome == PutOutcome::Refused));
    assert_eq!(put(601).gets, [Some(cell(0, CellSize::DEFAULT)), None]);
}

#[test]
fn a_second_relay_on_the_same_data_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    let _relay = RelayProcess::start(data.path(), &[]);
    let (code, words) = run_in_vain(data.path(), &[]);
    assert_eq!(code, Some(1));
    assert!(words.contains("another relay is running on"), "{words}");
}

#[test]
fn bad_arguments_are_named_with_the_code_for_usage() {
    let data = tempfile::tempdir().expect("a folder");
    for arguments in
        [["--ruler", "3"], ["--public-url", "http://x"], ["--max-bytes", "5"], ["--tls-key", "k"]]
    {
        let (code, words) = run_in_vain(data.path(), &arguments);
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains("--"), "{words}");
    }
}

#[test]
fn a_damaged_log_is_found_at_the_start_with_the_code_for_integrity() {
    let data = tempfile::tempdir().expect("a folder");
    let relay = RelayProcess::start(data.path(), &[]);
    let mut client = relay.client();
    for number in 0..3 {
        client.exchange(&exchange(number, &[1, 2])).expect("answered");
    }
    relay.kill();
    let path = data.path().join("log/000000001.log");
    let mut octets = std::fs::read(&path).expect("the log");
    octets[100] ^= 1;
    std::fs::write(&path, octets).expect("written");
    let (code, words) = run_in_vain(data.path(), &[]);
    assert_eq!(code, Some(6), "{words}");
    assert!(words.contains("000000001.log is damaged at octet 0"), "{words}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn any_octets_on_the_socket_harm_nothing(noise in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let data = tempfile::tempdir().expect("a folder");
        let relay = RelayProcess::start(data.path(), &[]);
        let mut client = relay.client();
        let _ = client.send(&noise);
        let raw = std::net::TcpStream::connect(relay.address).expect("connected");
        let _ = std::io::Write::write_all(&mut &raw, &noise);
        let answer = relay.client().exchange(&exchange(1, &[1, 2])).expect("answered");
        prop_assert_eq!(answer.puts, vec![PutOutcome::Stored]);
    }
}

/// PUTs one cell after the other until the relay is gone; the numbers that it acknowledged.
fn write_until_cut(client: &mut support::Client, first: u64) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for number in first.. {
        match client.exchange(&exchange(number, &[number, first])) {
            Ok(answer) if answer.puts == [PutOutcome::Stored] => acknowledged.push(number),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => return acknowledged,
        }
    }
    acknowledged
}

/// Lets some exchanges pass: what was acknowledged in earlier lives is read back meanwhile.
fn await_puts(relay: &RelayProcess, acknowledged: &[u64]) {
    let mut client = relay.client();
    for round in 0..20u64 {
        client.exchange(&exchange(u64::MAX - wall_time().0 as u64 - round, &[1, 2])).expect("answered");
    }
    assert_all_there(relay, acknowledged);
}

fn assert_all_there(relay: &RelayProcess, acknowledged: &[u64]) {
    let mut client = relay.client();
    let stale = Window(LENGTH.window_at(wall_time()).0 - 10);
    for some in acknowledged.chunks(64) {
        let answer = client.exchange(&exchange_at(stale, 0, some)).expect("answered");
        let wanted: Vec<_> = some.iter().map(|number| Some(cell(*number, CellSize::DEFAULT))).collect();
        assert!(answer.gets == wanted, "an acknowledged cell is gone");
    }
}

/// Four of the largest cells of its own, and 64 GETs, half of them for what is there.
fn largest_exchange(number: u64) -> Exchange {
    let mut exchange = exchange(number, &[0; 64]);
    let window = exchange.puts[0].window;
    let put = |lane| {
        let number = number * 4 + lane;
        Put { token: support::token(number), window, cell: cell(number, CellSize::LARGEST) }
    };
    exchange.puts = (0..4).map(put).collect();
    exchange.gets = (0..64).map(|n| support::slot(if n % 2 == 0 { number * 4 } else { u64::MAX })).collect();
    exchange
}

fn run_in_vain(data: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_couloir-relay"));
    command.arg("run").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(arguments);
    let output = command.output().expect("the relay's binary");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The octet by which an outcome travels (PROTOCOL §5.5).
fn octet_of(outcome: PutOutcome) -> u8 {
    match outcome {
        PutOutcome::Stored => 1,
        PutOutcome::Same => 2,
        PutOutcome::Taken => 3,
        PutOutcome::WrongWindow => 4,
        PutOutcome::Refused => 5,
    }
}
