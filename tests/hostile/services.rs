//! Services on loopback that do harm to who calls them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use waystation_tests::wait;

/// The head of an answer whose body ends with the connection.
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n";

/// A service. It ends with the test's process.
pub(crate) struct Service {
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Service {
    /// Serves each connection on a thread of its own, once a request has come.
    fn start(serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let service = Service { address, open: open.clone(), most: most.clone() };
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (open, serve) = (open.clone(), serve.clone());
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    // A caller that hangs up is what is hoped for.
                    let _ = stream.read(&mut [0; 4096]).and_then(|_| serve(stream));
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        service
    }

    /// Connections that were open at the same time, at the most.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Waits until all callers have hung up; false when they do not.
    pub(crate) fn is_left_alone(&self) -> bool {
        let alone = || (self.open.load(Ordering::SeqCst) == 0).then_some(());
        wait::within(Duration::from_secs(10), alone).is_some()
    }

    /// Takes the connection, and never says a word.
    pub(crate) fn silent() -> Service {
        Service::start(|mut stream| std::io::copy(&mut stream, &mut std::io::sink()).map(drop))
    }

    /// Answers at once, and then sends a byte a second.
    pub(crate) fn dripping() -> Service {
        Service::start(|mut stream| {
            stream.write_all(HEAD.as_bytes())?;
            loop {
                stream.write_all(b"x")?;
                wait::pause(Duration::from_secs(1));
            }
        })
    }

    /// Sends this, and then that without an end.
    fn endless(begin: &'static str, piece: Vec<u8>) -> Service {
        Service::start(move |mut stream| {
            stream.write_all(begin.as_bytes())?;
            loop {
                stream.write_all(&piece)?;
            }
        })
    }

    /// A body without an end.
    pub(crate) fn endless_body() -> Service {
        Service::endless(HEAD, vec![b'x'; 1 << 16])
    }

    /// Headers without an end.
    pub(crate) fn endless_headers() -> Service {
        let header = |n| format!("x-{n}: {}\r\n", "v".repeat(100));
        let piece: String = (0..100).map(header).collect();
        Service::endless("HTTP/1.1 200 OK\r\n", piece.into_bytes())
    }

    /// One header without an end.
    pub(crate) fn endless_header() -> Service {
        Service::endless("HTTP/1.1 200 OK\r\nx-long: ", vec![b'v'; 1 << 14])
    }

    /// Answers with as many headers as are taken, 60 KB of them, and nothing else.
    pub(crate) fn large_headers() -> Service {
        let header = |n| format!("x-{n}: {}\r\n", "v".repeat(1000));
        let headers: String = (0..60).map(header).collect();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{headers}\r\n");
        Service::start(move |mut stream| stream.write_all(answer.as_bytes()))
    }

    /// Says without an end that the answer will come.
    pub(crate) fn endless_promises() -> Service {
        Service::endless("", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100))
    }

    /// Chunks of one byte each without an end.
    pub(crate) fn endless_chunks() -> Service {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        Service::endless(head, b"1;extension=of-a-chunk\r\nx\r\n".repeat(1000))
    }

    /// Sends this and hangs up.
    pub(crate) fn saying(answer: &'static str) -> Service {
        Service::start(move |mut stream| stream.write_all(answer.as_bytes()))
    }
}
