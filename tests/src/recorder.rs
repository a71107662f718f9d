//! A small HTTP service on loopback that writes down what it is asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::{http, wait};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `GET`, `POST`, …
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; null when it is something else.
    pub body: Value,
}

impl Recorded {
    /// The header `name`, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
}

type Requests = Arc<Mutex<Vec<Recorded>>>;

/// The service. It ends with the test's process.
#[derive(Debug)]
pub struct Recorder {
    /// Where it is: `http://127.0.0.1:PORT`.
    pub url: String,
    requests: Requests,
    under_way: Arc<AtomicUsize>,
}

impl Recorder {
    /// Answers everything with 200 and `{}`.
    pub fn start() -> Recorder {
        Recorder::answering(|_, _| Reply { status: 200, body: Value::Object(Default::default()) })
    }

    /// Answers as `reply` says; it gets the request and how many came before.
    pub fn answering(
        reply: impl Fn(usize, &Recorded) -> Reply + Send + Sync + 'static,
    ) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("its address");
        let requests = Requests::default();
        let under_way = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&under_way);
        let (all, reply) = (Arc::clone(&requests), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (all, reply) = (Arc::clone(&all), Arc::clone(&reply));
                let counter = Arc::clone(&counter);
                counter.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    // A caller that hangs up is the caller's business.
                    drop(serve(stream, &all, reply.as_ref()));
                    counter.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Recorder { url: format!("http://{address}"), requests, under_way }
    }

    /// What came so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many requests came, and gives the last of them.
    pub fn nth(&self, count: usize) -> Recorded {
        let what = format!("request {count} of the step");
        wait::until(&what, || self.requests().get(count.checked_sub(1)?).cloned())
    }

    /// Waits until everything is written down that was sent before this call, also by callers
    /// that are dead by now.
    pub(crate) fn settle(&self) {
        // Connections are accepted in their order, so those before this one are counted now.
        drop(http::get(&self.url));
        let idle = || (self.under_way.load(Ordering::SeqCst) == 0).then_some(());
        wait::until("the recorder has served all callers", idle);
    }

    /// The links that a step sent here, of its request number `count`.
    pub fn links(&self, count: usize) -> Value {
        self.nth(count).body["links"].clone()
    }
}

fn serve(
    mut stream: TcpStream,
    all: &Requests,
    reply: &(dyn Fn(usize, &Recorded) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let request = read(&mut BufReader::new(&stream))?;
    let before = {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(request.clone());
        all.len() - 1
    };
    let Reply { status, body } = reply(before, &request);
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &mut impl BufRead) -> std::io::Result<Recorded> {
    let first = line(stream)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    while let Some((name, value)) = line(stream)?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request =
        Recorded { method: method.to_owned(), path: path.to_owned(), headers, body: Value::Null };
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    let chunked = request.header("transfer-encoding").is_some_and(|how| how == "chunked");
    let body = if chunked { chunks(stream)? } else { exactly(stream, length.unwrap_or(0))? };
    request.body = serde_json::from_slice(&body).unwrap_or_default();
    Ok(request)
}

fn chunks(stream: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&line(stream)?, 16).unwrap_or(0);
        let chunk = exactly(stream, size)?;
        line(stream)?;
        if chunk.is_empty() {
            return Ok(body);
        }
        body.extend(chunk);
    }
}

fn exactly(stream: &mut impl Read, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn line(stream: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
