//! Who comes in, and who does not.

use std::io::{Read, Write};
use std::net::TcpStream;

use couloir_desk_tests::{Browser, Home, Offices, PASSPHRASE, Wish};

/// The status and the head of the answer to a request of these lines.
fn ask(link: &str, request: &str, headers: &[&str]) -> (u16, String) {
    let host = link.trim_start_matches("http://").split('/').next().expect("a host");
    let mut stream = TcpStream::connect(host).expect("connected");
    let head = headers.iter().map(|line| format!("{line}\r\n")).collect::<String>();
    write!(stream, "{request} HTTP/1.1\r\n{head}Connection: close\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("read");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_default(), answer)
}

#[tokio::test]
async fn only_our_own_host_and_our_own_pages_are_answered() {
    let offices = Offices::met(&[]);
    let link = offices.link(Home::Tokyo);
    let (host, path) = link.trim_start_matches("http://").split_once('/').expect("a path");
    let folder = path.split('/').next().expect("a folder");
    let port = host.rsplit(':').next().expect("a port");
    let own = format!("Host: {host}");
    for wrong in
        [format!("Host: localhost:{port}"), "Host: evil.example".to_owned(), format!("Host: {host}, x")]
    {
        assert_eq!(ask(&link, &format!("GET /{path}"), &[&wrong]).0, 421, "{wrong}");
    }
    assert_eq!(ask(&link, &format!("POST /{folder}/say"), &[&own, "Content-Length: 0"]).0, 403);
    assert_eq!(ask(&link, &format!("GET /{folder}/events"), &[&own]).0, 403);
    assert_eq!(ask(&link, &format!("GET /{folder}/desk"), &[&own, "Sec-Fetch-Site: same-site"]).0, 403);
    assert_eq!(ask(&link, "GET /0123456789abcdef/desk", &[&own]).0, 404);
    let (status, refused) = ask(&link, &format!("GET /{folder}/desk"), &[&own]);
    assert!(status == 403 && !refused.contains("日本"), "{refused}");
    let lower = refused.to_lowercase();
    for header in [
        "content-security-policy: default-src 'none'",
        "require-trusted-types-for 'script'",
        "cache-control: no-store",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "permissions-policy:",
        "referrer-policy: same-origin",
        "x-content-type-options: nosniff",
    ] {
        assert!(lower.contains(header), "{header} in {refused}");
    }
    // None of this used the link up.
    let (status, entered) = ask(&link, &format!("GET /{path}"), &[&own]);
    assert!(status == 200 && entered.contains("HttpOnly; SameSite=Strict"), "{entered}");
}

#[tokio::test]
async fn a_link_that_is_used_twice_ends_what_it_began_and_the_desk_reads_so() {
    let offices = Offices::met(&[]);
    let link = offices.link(Home::Tokyo);
    let thief = Browser::at(Wish::speaking("en"), &link).await;
    let officer = Browser::start(Wish::speaking("ja")).await;
    officer.goto(&link).await;
    officer.reads(".door", "このリンクは既に使われています").await;
    // Its page closes by itself.
    thief.reads(".door", "couloir open").await;
    officer.goto(&offices.link(Home::Tokyo)).await;
    officer.reads("#now", "このページへのリンクが二度使われ").await;
}

#[tokio::test]
async fn a_page_that_nobody_uses_locks_and_the_passphrase_opens_it() {
    let offices = Offices::met(&["--page-idle", "10s"]);
    let tokyo = Browser::start(Wish::speaking("en")).await;
    tokyo.goto(&offices.link(Home::Tokyo)).await;
    tokyo.reads(".door h1", "Locked").await;
    assert!(!tokyo.text("body").await.contains("中国"));
    tokyo.fill("#passphrase", "wrong\n").await;
    tokyo.reads(".door h1", "Locked").await;
    tokyo.fill("#passphrase", &format!("{PASSPHRASE}\n")).await;
    tokyo.reads("#now", "A wrong passphrase was tried").await;
}
