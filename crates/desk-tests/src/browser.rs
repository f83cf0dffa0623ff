//! One headless Chromium, with its own driver.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use thirtyfour::ChromiumLikeCapabilities;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;

use crate::eventually;

/// What kind of browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// `Accept-Language`.
    pub language: &'static str,
    /// Whether scripts run.
    pub scripts: bool,
}

impl Wish {
    /// An ordinary one in this language.
    pub fn speaking(language: &'static str) -> Wish {
        Wish { language, scripts: true }
    }
}

/// A browser; ends when dropped.
pub struct Browser {
    web: WebDriver,
    _driver: Driver,
}

/// The driver leads a group of processes, of which every part of its Chromium is one.
struct Driver(Child);

impl Browser {
    /// Starts.
    pub async fn start(wish: Wish) -> Browser {
        let mut driver = Command::new("chromedriver");
        let started =
            driver.arg("--port=0").process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = Driver(started.expect("chromedriver (Debian: chromium-driver) starts"));
        let port = port_of(&mut driver.0);
        let server = format!("http://127.0.0.1:{port}");
        let web =
            WebDriver::new(server, capabilities(wish).expect("capabilities")).await.expect("chromium starts");
        // Its processes end with the driver's group; leaving the session in `drop` would block the test's
        // only thread.
        web.clone().leak().expect("it is new");
        Browser { web, _driver: driver }
    }

    /// Starts in this language and comes in by `link`.
    pub async fn at(wish: Wish, link: &str) -> Browser {
        let browser = Browser::start(wish).await;
        browser.goto(link).await;
        browser.see("header .posture").await;
        browser
    }

    /// Goes to an address.
    pub async fn goto(&self, url: &str) {
        self.web.goto(url).await.expect("loaded");
    }

    /// Goes to a page beside the one that is shown.
    pub async fn page(&self, name: &str) {
        let here = self.web.current_url().await.expect("an address");
        self.goto(here.join(name).expect("an address").as_str()).await;
    }

    /// Where it is.
    pub async fn address(&self) -> String {
        self.web.current_url().await.expect("an address").to_string()
    }

    /// Waits until an element is there.
    pub async fn see(&self, css: &str) {
        self.with(css, async |_| Ok(())).await;
    }

    /// Does something with an element once it is there. The page takes over what is new by itself, so that an
    /// element may be another one by then: it is found again.
    async fn with<T>(&self, css: &str, act: impl AsyncFn(WebElement) -> WebDriverResult<T>) -> T {
        eventually(css, || async {
            let element = self.web.find(By::Css(css)).await.ok()?;
            match act(element).await {
                Ok(done) => Some(done),
                Err(error) if is_replaced(&error) => None,
                Err(error) => panic!("{css}: {error}"),
            }
        })
        .await
    }

    /// An attribute of an element, once it is there.
    pub async fn attr(&self, css: &str, name: &str) -> Option<String> {
        self.with(css, async |element| element.attr(name).await).await
    }

    /// Whether an element is there now.
    pub async fn sees(&self, css: &str) -> bool {
        !self.web.find_all(By::Css(css)).await.expect("looked").is_empty()
    }

    /// The text of an element, once it is there.
    pub async fn text(&self, css: &str) -> String {
        self.with(css, async |element| element.text().await).await
    }

    /// Waits until an element's text holds `words`.
    pub async fn reads(&self, css: &str, words: &str) {
        eventually(&format!("{words} in {css}"), || async {
            let found = self.web.find(By::Css(css)).await.ok()?;
            found.text().await.ok()?.contains(words).then_some(())
        })
        .await;
    }

    /// Presses a button or a link.
    pub async fn press(&self, css: &str) {
        self.with(css, async |element| {
            element.scroll_into_view().await?;
            element.click().await
        })
        .await;
    }

    /// Types into a field.
    pub async fn fill(&self, css: &str, keys: &str) {
        self.with(css, async |element| element.send_keys(keys).await).await;
    }

    /// Writes something in the thread and sends it by the button.
    pub async fn write(&self, text: &str) {
        self.page("thread").await;
        self.script("document.querySelector('#text').value = arguments[0]", vec![json!(text)]).await;
        self.press("#say button.main").await;
        self.see("#write").await;
    }

    /// What a script gives.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.web.execute(script, arguments).await.expect("the script ran").json().clone()
    }

    /// What a script gives to the function that it gets as its last argument.
    pub async fn script_later(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.web.execute_async(script, arguments).await.expect("the script ran").json().clone()
    }

    /// What of the page that is shown not everybody can use, by axe-core's rules.
    pub async fn barriers(&self) -> Value {
        self.script(AXE, vec![]).await;
        let run = "const done = arguments[0]; \
            axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
                .then((found) => done(found.violations.map((each) => [each.id, each.nodes.map((node) => node.html.slice(0, 200) + node.failureSummary)]))) \
                .catch((error) => done([String(error)]))";
        self.script_later(run, vec![]).await
    }

    /// A command of the DevTools protocol.
    pub async fn tell(&self, method: &str, parameters: Value) {
        self.web.cdp().send_raw(method, parameters).await.expect("the browser did it");
    }

    /// Dark, or light.
    pub async fn set_theme(&self, theme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": theme }]);
        self.tell("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// As wide and high as this, in CSS pixels.
    pub async fn set_size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Keeps a picture of the whole page in `target/desk-screenshots`.
    pub async fn picture(&self, name: &str) {
        let size = self.script("return [innerWidth, document.documentElement.scrollHeight]", vec![]).await;
        let (width, height) = (size[0].as_u64().unwrap_or(1280), size[1].as_u64().unwrap_or(800));
        self.set_size(u32::try_from(width).unwrap_or(1280), u32::try_from(height.max(700)).unwrap_or(800))
            .await;
        let folder = screenshots();
        std::fs::create_dir_all(&folder).expect("made");
        self.web.screenshot(&folder.join(format!("{name}.png"))).await.expect("a picture");
        self.tell("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    /// What the browser complained about since it was last asked, but for what ran out with a stopped node.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.web.browser_log().await.expect("a log");
        entries.iter().map(|entry| entry.message.clone()).collect()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let leader = Pid::from_raw(self.0.id().cast_signed());
        // However they ended.
        let _ = leader.map(|leader| kill_process_group(leader, Signal::KILL));
        let _ = self.0.wait();
    }
}

/// Whether the element was taken out of the page between being found and being used.
fn is_replaced(error: &WebDriverError) -> bool {
    match &**error {
        WebDriverErrorInner::StaleElementReference(_) | WebDriverErrorInner::NoSuchElement(_) => true,
        // The driver's words where it finds out only while it acts.
        other => other.to_string().contains("does not belong to the document"),
    }
}

fn port_of(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
    let line = lines.map_while(Result::ok).find(|line| line.contains("started successfully on port"));
    let words = line.expect("the driver says its port");
    let port = words.trim_end_matches('.').rsplit(' ').next().unwrap_or_default();
    port.parse().expect("a port")
}

fn capabilities(wish: Wish) -> WebDriverResult<thirtyfour::ChromeCapabilities> {
    let mut wanted = DesiredCapabilities::chrome();
    let language = format!("--lang={}", wish.language);
    for arg in ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,860", &language] {
        wanted.add_arg(arg)?;
    }
    let scripts = if wish.scripts { 1 } else { 2 };
    let preferences = json!({
        "intl.accept_languages": wish.language,
        "profile.managed_default_content_settings.javascript": scripts,
    });
    wanted.add_experimental_option("prefs", preferences)?;
    wanted.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
    Ok(wanted)
}

/// Beside the tests' programs: `target/desk-screenshots`.
fn screenshots() -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let target = own.ancestors().nth(3).unwrap_or(Path::new("target"));
    target.join("desk-screenshots")
}

const AXE: &str = include_str!("../vendored/axe.min.js");
