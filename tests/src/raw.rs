//! Connections that do what no HTTP library would.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Client;

/// Nobody waits for a silent server longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection, byte by byte.
#[derive(Debug)]
pub struct Raw(TcpStream);

impl Raw {
    /// A connection to the server.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn to(client: &Client) -> Raw {
        let address = client.url.trim_start_matches("http://");
        let stream = TcpStream::connect(address).expect("the server takes the connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a patience is set");
        stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a patience is set");
        Raw(stream)
    }

    /// Sends these bytes; `false` when the server has hung up.
    pub fn send(&mut self, bytes: &str) -> bool {
        self.0.write_all(bytes.as_bytes()).is_ok()
    }

    /// Sends as much of it as the server takes; `None` when it has hung up.
    ///
    /// # Panics
    ///
    /// The connection is broken in a way that no hanging up explains.
    pub fn send_some(&mut self, bytes: &[u8]) -> Option<usize> {
        match self.0.write(bytes) {
            Ok(sent) => Some(sent),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Some(0),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => None,
                kind => panic!("{kind}"),
            },
        }
    }

    /// Everything that comes until the server hangs up.
    ///
    /// # Panics
    ///
    /// It does not within a minute.
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the server did not hang up: {error}"),
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What comes first, as far as it is there.
    ///
    /// # Panics
    ///
    /// Nothing comes within a minute.
    pub fn some(&mut self) -> String {
        let mut bytes = [0; 4096];
        let count = self.0.read(&mut bytes).expect("an answer");
        String::from_utf8_lossy(bytes.get(..count).unwrap_or_default()).into_owned()
    }
}
