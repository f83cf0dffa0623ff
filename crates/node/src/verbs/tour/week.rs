//! The week in October: seven days of talks between two offices, played on real nodes by their own commands.
//!
//! Every act is said at one desk and waited for at the other. At the end both desks' records have the same head, and both
//! pages stay open.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan as _, Unit, Zoned};
use serde_json::{Value, json};

use super::draw::Stagehand;
use super::stage::{City, Place, Stage};
use crate::cli::out::Out;
use crate::verbs::text_of;
use crate::words::{Code, Failure, Outcome};

/// Plays it, and leaves both pages open until the process is stopped.
pub fn play(out: &Out, hand: &Stagehand) -> Outcome {
    let stage = Stage::set_up(hand)?;
    let place = stage.place();
    let mut week = Week { place: &place, hand, acts: 0 };
    week.visit()?;
    week.games()?;
    week.third_country()?;
    let case = week.case()?;
    week.line()?;
    week.lists(&case)?;
    week.successor()?;
    let answer = json!({ "acts": week.acts, "head": week.head()?, "desks": week.desks()? });
    until_stopped(|| out.answer(&answer, || words(&answer)))?;
    stage.tear_down()
}

struct Week<'w> {
    place: &'w Place,
    hand: &'w Stagehand,
    acts: usize,
}

impl Week<'_> {
    /// Says something at a desk.
    fn ask(&mut self, city: City, words: &[&str]) -> Outcome<Value> {
        self.acts += 1;
        let answer = self.place.command(city, &[words, &["--json"]].concat())?;
        serde_json::from_str(answer.trim())
            .map_err(|error| Failure::new(Code::Failed, format!("no answer: {error}"), "report this"))
    }

    fn say(&mut self, city: City, words: &[&str]) -> Outcome<String> {
        Ok(text_of(&self.ask(city, words)?, "id").to_owned())
    }

    /// Waits until the other desk can show it.
    fn seen(&self, city: City, kind: &str, id: &str) -> Outcome {
        self.until(city, &[kind, "show", id], |_| true)
    }

    fn until(&self, city: City, words: &[&str], is_so: impl Fn(&Value) -> bool) -> Outcome {
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience {
            let answer = self.place.command(city, &[words, &["--json"]].concat());
            let shown = answer.ok().and_then(|answer| serde_json::from_str::<Value>(answer.trim()).ok());
            if shown.is_some_and(|shown| is_so(&shown)) {
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        let what = format!("{} did not see {}", city.word(), words.join(" "));
        Err(Failure::new(Code::Failed, what, "report this, with what was drawn"))
    }

    fn talk(&mut self, city: City, conversation: &str, lang: &str, text: &str) -> Outcome<String> {
        self.say(city, &["send", "--conversation", conversation, "--lang", lang, text])
    }

    fn open(&mut self, subject: &str, marking: &str) -> Outcome<String> {
        let id = self.say(City::Tokyo, &["conversation", "open", subject, "--marking", marking])?;
        let is_there = |shown: &Value| {
            shown["conversations"]
                .as_array()
                .is_some_and(|all| all.iter().any(|each| each["id"] == id.as_str()))
        };
        self.until(City::Beijing, &["conversation", "list"], is_there)?;
        Ok(id)
    }

    fn visit(&mut self) -> Outcome {
        self.hand.act("day 1: arranging the visit");
        let place = self.open("国会議員団の訪問", "amber+strict")?;
        let first = self.talk(
            City::Tokyo,
            &place,
            "ja",
            "十月末までに議員団の訪問を実現したいと考えます。日程のご都合をお聞かせください。",
        )?;
        self.talk(
            City::Beijing,
            &place,
            "zh-Hans",
            "收到。请贵方提出两个可行的时间段，我方在一天之内答复。",
        )?;
        self.ask(
            City::Tokyo,
            &[
                "translate",
                &first,
                "--lang",
                "zh-Hans",
                "--rendering",
                "unofficial",
                "--by",
                "田中",
                "希望议员团能在十月底前成行，请告知贵方方便的日程。",
            ],
        )?;
        self.meeting(&place)
    }

    fn meeting(&mut self, place: &str) -> Outcome {
        let (one, two) = (window(8, 10), window(9, 14));
        let meeting = self.say(
            City::Tokyo,
            &[
                "meeting",
                "propose",
                "事前協議",
                "--conversation",
                place,
                "--window",
                &one,
                "--place",
                "第三国のホテル; Bangkok; Asia/Bangkok",
                "--with",
                "田中; 課長; 日本",
                "--with",
                "王毅; 处长; 中国",
                "--point",
                "日程",
                "--point",
                "警備",
                "--publicity",
                "undisclosed",
                "--recognition",
                "秋の雨は長い",
                "但晴天将至",
            ],
        )?;
        self.seen(City::Beijing, "meeting", &meeting)?;
        self.ask(City::Beijing, &["meeting", "counter", &meeting, "--window", &two])?;
        self.until(City::Tokyo, &["meeting", "show", &meeting], |shown| shown["waits_for_us"] == true)?;
        self.ask(City::Tokyo, &["meeting", "accept", &meeting])?;
        self.until(City::Beijing, &["meeting", "show", &meeting], |shown| shown["state"] == "agreed")
    }

    fn games(&mut self) -> Outcome {
        self.hand.act("day 2: reports for two Games");
        let place = self.open("二つの大会の安全", "amber")?;
        let request = self.say(
            City::Tokyo,
            &[
                "report",
                "request",
                "開会式への脅威",
                "貴方で把握している通信先はありますか。",
                "--conversation",
                &place,
                "--due",
                &day(3),
            ],
        )?;
        self.seen(City::Beijing, "report", &request)?;
        let file = self.place.file("bundle.json");
        std::fs::write(&file, bundle()).map_err(|error| Failure::io(&file, &error))?;
        let path = file.to_string_lossy().into_owned();
        let report = self.say(
            City::Beijing,
            &["report", "share", &path, "--title", "开幕式相关的通信节点", "--answers", &request],
        )?;
        self.seen(City::Tokyo, "report", &report)?;
        let copy = self.place.file("exported.json").to_string_lossy().into_owned();
        self.ask(
            City::Tokyo,
            &["report", "export", &report, "--out", &copy, "--to", "大会警備本部", "--level", "amber"],
        )?;
        self.until(City::Beijing, &["report", "show", &report], |shown| {
            !shown["report"]["releases"][0].is_null()
        })
    }

    fn third_country(&mut self) -> Outcome {
        self.hand.act("day 3: views on a third country, off the record");
        let subject = ["conversation", "open", "第三国について", "--marking", "red", "--expire", "30d"];
        let place = self.say(City::Tokyo, &subject)?;
        self.talk(
            City::Tokyo,
            &place,
            "ja",
            "記録に残さない前提で申し上げます。当方は情勢が年内に動くと見ています。",
        )?;
        let is_there = |shown: &Value| {
            shown["conversations"]
                .as_array()
                .is_some_and(|all| all.iter().any(|each| each["id"] == place.as_str()))
        };
        self.until(City::Beijing, &["conversation", "list"], is_there)?;
        self.talk(City::Beijing, &place, "zh-Hans", "非正式地讲，我方判断与贵方接近，但时间会更晚。")
            .map(drop)
    }

    fn case(&mut self) -> Outcome<String> {
        self.hand.act("day 4: twelve arrested, eight of them indicted");
        let persons: Vec<String> =
            NAMES.iter().map(|(name, roman)| format!("{name}; {roman}; ; JP")).collect();
        let clock = format!("領事通報; 領事協定第八条; {}", day(-2));
        let mut words = vec![
            "case",
            "raise",
            "邦人十二名の拘束",
            "--status",
            "arrested",
            "--what",
            "青島で十二名が拘束されたとの連絡がありました。",
            "--place",
            "青島",
            "--clock",
            &clock,
        ];
        persons.iter().for_each(|person| words.extend(["--person", person]));
        let case = self.say(City::Tokyo, &words)?;
        self.seen(City::Beijing, "case", &case)?;
        let numbers: Vec<String> = (1..=8).map(|number| number.to_string()).collect();
        let eight: Vec<&str> = numbers.iter().flat_map(|number| ["--person", number.as_str()]).collect();
        self.ask(City::Beijing, &[&["case", "status", &case, "indicted"], &eight[..]].concat())?;
        self.ask(
            City::Beijing,
            &[&["case", "answer", &case, "domestic-law", "--text", "依法处理。"], &eight[..]].concat(),
        )?;
        let four = ["--person", "9", "--person", "10", "--person", "11", "--person", "12"];
        let on = Zoned::now().date().saturating_add(5.days()).to_string();
        self.ask(
            City::Beijing,
            &[&["case", "answer", &case, "access-granted", "--on", &on], &four[..]].concat(),
        )?;
        self.until(City::Tokyo, &["case", "show", &case], |shown| shown["state"] == "answered")?;
        Ok(case)
    }

    fn line(&mut self) -> Outcome {
        self.hand.act("day 5: the public line under embargo, and a statement on the record");
        let announcement = self.say(
            City::Tokyo,
            &[
                "announcement",
                "propose",
                "訪問の発表",
                "--text",
                "ja=議員団が訪問する。",
                "--text",
                "zh-Hans=议员团将到访。",
                "--embargo",
                &day(10),
            ],
        )?;
        self.seen(City::Beijing, "announcement", &announcement)?;
        self.ask(City::Beijing, &["announcement", "agree", &announcement])?;
        self.until(City::Tokyo, &["announcement", "show", &announcement], |shown| {
            shown["state"] == "agreed"
        })?;
        let statement = self.say(
            City::Tokyo,
            &[
                "statement",
                "say",
                "--asks",
                "agree",
                "--yes",
                "--title",
                "ja=確認事項",
                "--title",
                "zh-Hans=确认事项",
                "--text",
                "ja=双方は議員団の訪問に際し、領事面会を妨げない。",
                "--text",
                "zh-Hans=双方在议员团访问期间不妨碍领事探视。",
            ],
        )?;
        self.until(City::Beijing, &["record", "show"], |shown| {
            shown["total"] == 1 || !shown["statements"][0].is_null()
        })?;
        self.ask(City::Beijing, &["statement", "agree", &statement, "--yes"])?;
        self.until(City::Tokyo, &["record", "show"], |shown| shown["statements"][0]["standing"] == "agreed")
    }

    fn lists(&mut self, case: &str) -> Outcome {
        self.hand.act("day 6: lists shown to both at once");
        let swap = self.say(City::Beijing, &["swap", "open", "人员名单", "--deadline", &day(2)])?;
        self.seen(City::Tokyo, "swap", &swap)?;
        self.ask(City::Tokyo, &["swap", "commit", &swap, "--case", case])?;
        self.ask(City::Beijing, &["swap", "commit", &swap, "我方名单：甲、乙、丙。"])?;
        let is_done = |shown: &Value| shown["state"] == "done";
        City::ALL.into_iter().try_for_each(|city| self.until(city, &["swap", "show", &swap], is_done))
    }

    fn successor(&mut self) -> Outcome {
        self.hand.act("day 7: the office in Beijing has another holder");
        self.ask(City::Beijing, &["side", "hand-over", "--holder", "李明"])?;
        self.until(City::Tokyo, &["status"], |shown| shown["peers"][0]["holder"] == "李明")?;
        self.say(City::Beijing, &["send", "--lang", "zh-Hans", "即日起由我负责，此前的约定继续有效。李明"])
            .map(drop)
    }

    /// The head of the record, which both desks compute; papers that changed have it proven anew, which takes a moment.
    fn head(&self) -> Outcome<String> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let (tokyo, beijing) = (self.head_at(City::Tokyo), self.head_at(City::Beijing));
            if tokyo == beijing && !tokyo.is_empty() {
                return Ok(tokyo);
            }
            if Instant::now() > patience {
                let what = "the two desks' records have different heads";
                return Err(Failure::new(Code::Integrity, what, "report this"));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn head_at(&self, city: City) -> String {
        let shown = self.place.command(city, &["record", "show", "--json"]).unwrap_or_default();
        let shown: Value = serde_json::from_str(shown.trim()).unwrap_or_default();
        text_of(&shown, "head").to_owned()
    }

    fn desks(&self) -> Outcome<Vec<Value>> {
        let desk = |city: City| {
            let opened: Value = serde_json::from_str(self.place.command(city, &["open", "--json"])?.trim())
                .unwrap_or_default();
            Ok(json!({ "city": city.word(), "home": self.place.home(city), "url": opened["url"] }))
        };
        City::ALL.into_iter().map(desk).collect()
    }
}

fn words(answer: &Value) -> String {
    let desks = answer["desks"].as_array().into_iter().flatten();
    let line = |desk: &Value| {
        let [city, url, home] = ["city", "url", "home"].map(|key| text_of(desk, key));
        format!("{city:<8} {url}\n         later: couloir open --home {home}")
    };
    let desks: Vec<String> = desks.map(line).collect();
    format!(
        "{} acts; both records have the head {}.\nBoth desks are open, each link once and within a minute:\n{}\nStop with Ctrl+C.",
        answer["acts"],
        text_of(answer, "head"),
        desks.join("\n")
    )
}

/// So many days from now, at the full hour.
fn day(days: i64) -> String {
    at(days, Zoned::now().hour())
}

fn at(days: i64, hour: i8) -> String {
    let now = Zoned::now();
    let there = now.saturating_add(days.days()).with().hour(hour).build().and_then(|at| at.round(Unit::Hour));
    there.map_or_else(|_| Timestamp::now().to_string(), |at| at.timestamp().to_string())
}

/// Two hours of a day.
fn window(days: i64, hour: i8) -> String {
    format!("{}/{}", at(days, hour), at(days, hour + 2))
}

/// An indicator, who uses it, and that it does.
fn bundle() -> String {
    let amber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
    let object = |kind: &str, number: u8, more: Value| {
        let mut object = json!({
            "type": kind,
            "spec_version": "2.1",
            "id": format!("{kind}--8e2e2d2b-17d4-4cbf-938f-{number:012}"),
            "created": "2026-10-01T00:00:00.000Z",
            "modified": "2026-10-01T00:00:00.000Z",
            "object_marking_refs": [amber],
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        object
    };
    let id = |kind: &str, number: u8| format!("{kind}--8e2e2d2b-17d4-4cbf-938f-{number:012}");
    json!({
        "type": "bundle",
        "id": "bundle--44af6c39-c09b-49c5-9de2-394224b04982",
        "objects": [
            object("threat-actor", 1, json!({ "name": "影" })),
            object("indicator", 2, json!({
                "name": "192.0.2.1",
                "pattern": "[ipv4-addr:value = '192.0.2.1']",
                "pattern_type": "stix",
                "valid_from": "2026-10-01T00:00:00Z",
            })),
            object("relationship", 3, json!({
                "relationship_type": "indicates",
                "source_ref": id("indicator", 2),
                "target_ref": id("threat-actor", 1),
            })),
        ],
    })
    .to_string()
}

/// Tells that all is played, and waits; whoever stops it then is heard.
fn until_stopped(tell: impl FnOnce() -> Outcome) -> Outcome {
    use tokio::signal::unix::{SignalKind, signal};
    let wrong = |error: std::io::Error| {
        Failure::new(Code::Failed, format!("the machine gives no signal: {error}"), "repeat the command")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(wrong)?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(wrong)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(wrong)?;
        tell()?;
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    })
}

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const NAMES: [(&str, &str); 12] = [
    ("山田太郎", "YAMADA Taro"),
    ("佐藤花子", "SATO Hanako"),
    ("鈴木一郎", "SUZUKI Ichiro"),
    ("高橋美咲", "TAKAHASHI Misaki"),
    ("伊藤健", "ITO Ken"),
    ("渡辺直樹", "WATANABE Naoki"),
    ("中村恵", "NAKAMURA Megumi"),
    ("小林誠", "KOBAYASHI Makoto"),
    ("加藤翼", "KATO Tsubasa"),
    ("吉田香", "YOSHIDA Kaori"),
    ("山本隆", "YAMAMOTO Takashi"),
    ("松本葵", "MATSUMOTO Aoi"),
];
