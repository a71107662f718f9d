//! What guests call out to: answers every connection with the same bytes, whatever they are.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_millis(200);

/// A service on 127.0.0.1.
pub(super) struct Service {
    address: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Service {
    /// Listens on a port that is free.
    pub(super) fn start() -> Service {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let answer = Arc::new(Mutex::new(Vec::new()));
        let service = Service { address: format!("127.0.0.1:{port:05}"), answer };
        let answer = service.answer.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Whoever hangs up has got enough.
                let _ = connection.set_read_timeout(Some(PATIENCE));
                let _ = (&connection).read(&mut [0; 4096]);
                let _ = (&connection).write_all(&answer);
            }
        });
        service
    }

    /// Always of the same length.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// What it answers from now on.
    pub(super) fn answers(&self, bytes: &[u8]) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
    }
}
