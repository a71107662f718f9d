//! How long a call waits.

use std::time::Duration;

use wasmtime_wasi_http::RequestOptions;
use waystation_core::Limits;

/// How long a call waits, at most: as the guest says, within what the host allows. Besides,
/// every call ends with its run.
pub(super) struct Patience {
    /// For a place, the name's look-up, the connection and TLS together.
    pub(super) connect: Duration,
    /// From the connection to the answer's headers, the request's body sent in between.
    pub(super) first_byte: Duration,
    /// Between two pieces of the answer.
    pub(super) between_bytes: Duration,
}

impl Patience {
    /// The guest's wishes within the host's limits.
    pub(super) fn new(guest: &RequestOptions, limits: &Limits) -> Patience {
        let within = |wish: Option<Duration>, max_s: u32| {
            let max = Duration::from_secs(max_s.into());
            wish.map_or(max, |wish| wish.min(max))
        };
        Patience {
            connect: within(guest.connect_timeout, limits.http_connect_s),
            first_byte: within(guest.first_byte_timeout, limits.http_first_byte_s),
            between_bytes: within(guest.between_bytes_timeout, limits.http_between_bytes_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_may_wait_less_and_not_more() {
        let limits = Limits::default();
        let mut options = RequestOptions::default();
        let patience = Patience::new(&options, &limits);
        assert_eq!(patience.connect, Duration::from_secs(10));
        assert_eq!(patience.first_byte, Duration::from_secs(60));
        assert_eq!(patience.between_bytes, Duration::from_secs(30));
        options.connect_timeout = Some(Duration::from_secs(3));
        options.first_byte_timeout = Some(Duration::from_secs(3600));
        let patience = Patience::new(&options, &limits);
        assert_eq!(patience.connect, Duration::from_secs(3));
        assert_eq!(patience.first_byte, Duration::from_secs(60));
    }
}
