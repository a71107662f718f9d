//! Chromium without a window, driven over WebDriver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{guests, http, wait};

/// How WebDriver names an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one page. It is closed when this is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver and a browser that runs JavaScript, or does not.
    ///
    /// # Panics
    ///
    /// They are not installed.
    pub fn start(javascript: bool) -> Browser {
        let profile = tempfile::tempdir().expect("a folder for the browser");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("chromedriver: {error}: run `cargo xtask toolchain`, or `apt-get install chromium chromium-driver`")
            });
        let url = address(&mut driver);
        let content = if javascript { 1 } else { 2 };
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=900,700",
        ];
        let mut flags: Vec<String> = flags.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({
            "args": flags,
            "prefs": {"profile.managed_default_content_settings.javascript": content},
        });
        let wish = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let wish = json!({"capabilities": {"alwaysMatch": wish}});
        let answer = http::post(&format!("{url}/session"), &wish).expect(200).json();
        let id = answer["value"]["sessionId"].as_str().expect("a session").to_owned();
        Browser { driver, session: format!("{url}/session/{id}"), _profile: profile }
    }

    /// Opens a page.
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The text that a person sees.
    pub fn text(&self) -> String {
        self.text_of_a_page().expect("a page")
    }

    /// Waits until the page has this word in it, in whatever case: after a click the one before
    /// may be there a little longer.
    pub fn until_it_reads(&self, word: &str) {
        wait::until(&format!("the page says {word:?}"), || {
            self.text_of_a_page()?.to_lowercase().contains(word).then_some(())
        });
    }

    /// `None`: one page is going, and the next one is not there yet.
    fn text_of_a_page(&self) -> Option<String> {
        let wish = json!({"using": "css selector", "value": "body"});
        let found = http::post(&format!("{}/element", self.session), &wish).json();
        let body = found["value"][ELEMENT].as_str()?;
        let text = http::get(&format!("{}/element/{body}/text", self.session)).json();
        text["value"].as_str().map(str::to_owned)
    }

    /// What the page complained about so far: refused styles and scripts, and what failed to load.
    pub fn complaints(&self) -> Vec<String> {
        let answer = self.post("/se/log", &json!({"type": "browser"}));
        let lines = answer.as_array().cloned().unwrap_or_default();
        let texts = lines.iter().filter_map(|line| line["message"].as_str());
        // Browsers ask for a picture of every site.
        texts.filter(|text| !text.contains("favicon")).map(str::to_owned).collect()
    }

    /// How a style that the page asks for came out, for what the CSS selector finds first.
    pub fn style(&self, selector: &str, property: &str) -> String {
        let element = self.element(selector);
        let path = format!("{}/element/{element}/css/{property}", self.session);
        http::get(&path).expect(200).json()["value"].as_str().unwrap_or_default().to_owned()
    }

    /// The page's title.
    pub fn title(&self) -> String {
        let answer = http::get(&format!("{}/title", self.session)).expect(200).json();
        answer["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Clicks what the CSS selector finds first.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Writes a picture of the page to `target/screenshots/NAME.png`.
    pub fn screenshot(&self, name: &str) {
        let answer = http::get(&format!("{}/screenshot", self.session)).expect(200).json();
        let picture = STANDARD.decode(answer["value"].as_str().unwrap_or_default());
        let folder = guests::repository().join("target/screenshots");
        std::fs::create_dir_all(&folder).expect("the folder of pictures is made");
        let file = folder.join(format!("{name}.png"));
        std::fs::write(file, picture.expect("a picture")).expect("the picture is written");
    }

    fn element(&self, selector: &str) -> String {
        let wish = json!({"using": "css selector", "value": selector});
        let found = self.post("/element", &wish)[ELEMENT].clone();
        found.as_str().unwrap_or_else(|| panic!("no {selector} on the page")).to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = http::post(&format!("{}{path}", self.session), body).expect(200);
        answer.json()["value"].clone()
    }
}

/// Where chromedriver listens.
fn address(driver: &mut Child) -> String {
    let stdout = driver.stdout.take().expect("its output is read");
    let port = BufReader::new(stdout).lines().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse::<u16>().ok()
    });
    format!("http://127.0.0.1:{}", port.expect("chromedriver says its port"))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes the browser, which the driver would leave behind.
        let _ = http::request("DELETE", &self.session).try_send();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
