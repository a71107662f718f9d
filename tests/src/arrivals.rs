//! A service on loopback that does with its connections whatever a test wants, and counts them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The service. It ends with the test's process.
#[derive(Debug)]
pub struct Arrivals {
    /// Where it listens.
    pub address: SocketAddr,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Arrivals {
    /// Listens at a free port of `ip`. Each connection is `serve`d in a thread of its own.
    pub fn at(ip: &str, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Arrivals {
        let listener = TcpListener::bind((ip, 0)).expect("a port on loopback");
        let address = listener.local_addr().expect("its address");
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let arrivals = Arrivals { address, begun: Arc::clone(&begun), ended: Arc::clone(&ended) };
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                begun.fetch_add(1, Ordering::SeqCst);
                let (serve, ended) = (Arc::clone(&serve), Arc::clone(&ended));
                std::thread::spawn(move || {
                    serve(stream);
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        arrivals
    }

    /// Answers every request with these bytes, and hangs up.
    pub fn answering(ip: &str, answer: impl Into<Vec<u8>>) -> Arrivals {
        let answer = answer.into();
        Arrivals::at(ip, move |mut stream| {
            read_head(&mut stream);
            // A caller that hangs up is the caller's business.
            let _ = stream.write_all(&answer);
        })
    }

    /// `http://IP:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections that came.
    pub fn count(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Connections that are over.
    pub fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}

/// Reads a request up to the end of its headers, or as much of it as comes.
pub fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&piece[..count]),
        }
    }
}
