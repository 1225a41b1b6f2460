//! The state of the connecting side between attempts: addresses, host name lookup,
//! back-off.
//!
//! Owned by the connection's state, and used under its lock. The lookup runs on another
//! thread, which only calls `wake`.

#![forbid(unsafe_code)]

use super::settings::Settings;
use super::tunnel::Tunnel;
use crate::transport::{self, Dial, Endpoint, PendingLookup, Resolution};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The endpoint to connect to, and what is kept between attempts.
pub(super) struct Dialer {
    endpoint: Endpoint,
    /// The SOCKS proxy to go through, as an endpoint's text.
    proxy: Option<Vec<u8>>,
    /// The address of the last attempt.
    tried: Option<Vec<u8>>,
    /// Addresses still to be tried in this attempt.
    targets: Vec<Box<dyn transport::Dialer>>,
    lookup: Option<Box<PendingLookup>>,
    /// Current back-off in milliseconds; `None` after a success.
    delay: Option<i32>,
    /// The routing id of the last peer, if the socket wants to know it.
    pub(super) peer_id: Option<Vec<u8>>,
}

/// The state of an attempt.
pub(super) enum Attempt {
    /// The host name is being looked up; `wake` is called at the end.
    Resolving,
    /// A connect is under way or complete.
    Dialing(Dial),
    /// No address is left; the error of the last one.
    Failed(io::Error),
}

impl Dialer {
    pub(super) fn new(endpoint: Endpoint, settings: &Settings) -> Dialer {
        let proxy = &settings.options.socks_proxy;
        let proxied = endpoint.spec().takes_proxy && !proxy.is_empty();
        Dialer {
            endpoint,
            proxy: proxied.then(|| [b"tcp://", proxy.as_slice()].concat()),
            tried: None,
            targets: Vec::new(),
            lookup: None,
            delay: None,
            peer_id: None,
        }
    }

    /// The text that events name: the endpoint as the application gave it, or the proxy.
    pub(super) fn text(&self) -> Vec<u8> {
        match &self.proxy {
            Some(proxy) => proxy.clone(),
            None => self.endpoint.text(),
        }
    }

    /// The text that events name after the first loss: as in libzmq, a tcp address is
    /// resolved.
    pub(super) fn text_after_loss(&self) -> Vec<u8> {
        let resolved = self.proxy.is_none() && self.endpoint.spec().names_attempts;
        match &self.tried {
            Some(tried) if resolved => tried.clone(),
            _ => self.text(),
        }
    }

    /// Whether `ZMQ_RECONNECT_STOP_CONN_REFUSED` applies.
    pub(super) fn stops_if_refused(&self) -> bool {
        self.proxy.is_none() && self.endpoint.spec().stops_if_refused
    }

    /// Whether `ZMQ_RECONNECT_STOP_AFTER_DISCONNECT` applies.
    pub(super) fn stops_after_disconnect(&self) -> bool {
        self.endpoint.spec().stops_after_disconnect
    }

    /// The negotiation that a connection to the proxy begins with; `None` without a proxy.
    pub(super) fn tunnel(&self, settings: &Settings) -> Option<io::Result<Tunnel>> {
        let tunnel = || Tunnel::new(self.endpoint.address(), &settings.options);
        self.proxy.is_some().then(tunnel)
    }

    /// Begins an attempt. At the end of a lookup, `wake` is called from another thread;
    /// then call [`resume`](Self::resume).
    pub(super) fn start(
        &mut self,
        settings: &Settings,
        wake: impl FnOnce() + Send + 'static,
    ) -> Attempt {
        let proxy = match self.proxy.as_deref().map(Endpoint::parse_connect) {
            Some(Err(error)) => return failed(error.errno()),
            Some(Ok(proxy)) => Some(proxy),
            None => None,
        };
        let first_hop = proxy.as_ref().unwrap_or(&self.endpoint);
        match first_hop.address().resolve(&settings.options) {
            Ok(Resolution::Ready(targets)) => {
                self.targets = targets;
                self.next(settings)
            }
            Ok(Resolution::Lookup(job)) => {
                match job.start(wake) {
                    Ok(lookup) => self.lookup = Some(Box::new(lookup)),
                    Err(error) => return Attempt::Failed(error),
                }
                Attempt::Resolving
            }
            Err(error) => Attempt::Failed(error),
        }
    }

    /// Continues after a lookup; `None` while it has no answer.
    pub(super) fn resume(&mut self, settings: &Settings) -> Option<Attempt> {
        let answer = self.lookup.as_ref()?.take()?;
        self.lookup = None;
        Some(match answer {
            Ok(targets) => {
                self.targets = targets;
                self.next(settings)
            }
            Err(error) => Attempt::Failed(error),
        })
    }

    /// Connects to the next address. Addresses that fail at once are skipped.
    pub(super) fn next(&mut self, settings: &Settings) -> Attempt {
        let mut attempt = failed(libc::EINVAL);
        while !self.targets.is_empty() {
            let target = self.targets.remove(0);
            match target.dial(&settings.options) {
                Ok(dial) => {
                    self.tried = Some(target.text());
                    return Attempt::Dialing(dial);
                }
                Err(error) => attempt = Attempt::Failed(error),
            }
        }
        attempt
    }

    /// The address of the last attempt, for the log.
    pub(super) fn tried(&self) -> &[u8] {
        self.tried.as_deref().unwrap_or_default()
    }

    /// Whether another address remains for this attempt.
    pub(super) fn has_more(&self) -> bool {
        !self.targets.is_empty()
    }

    /// The session is established: the next loss starts with the shortest delay and
    /// resolves the addresses again.
    pub(super) fn succeeded(&mut self) {
        self.targets = Vec::new();
        self.delay = None;
    }

    /// The back-off before the next attempt; `None` if `ZMQ_RECONNECT_IVL` (-1 or 0)
    /// forbids it. It doubles up to `ZMQ_RECONNECT_IVL_MAX`; without a maximum, `random`
    /// supplies jitter.
    pub(super) fn next_delay(&mut self, settings: &Arc<Settings>, random: u32) -> Option<Duration> {
        let (base, most) = (
            settings.options.reconnect_ivl,
            settings.options.reconnect_ivl_max,
        );
        if base <= 0 {
            return None;
        }
        let millis = if most > 0 {
            let doubled = self.delay.map_or(base, |delay| delay.saturating_mul(2));
            let delay = doubled.min(most.max(base));
            self.delay = Some(delay);
            delay
        } else {
            base.saturating_add((random % base as u32) as i32)
        };
        Some(Duration::from_millis(millis as u64))
    }
}

fn failed(errno: i32) -> Attempt {
    Attempt::Failed(io::Error::from_raw_os_error(errno))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::socket_type::SocketType;
    use crate::options::{ContextOptions, Options};

    fn delays(base: i32, most: i32) -> Vec<Option<u64>> {
        let mut options = Options::new(SocketType::Dealer, &ContextOptions::default());
        options.reconnect_ivl = base;
        options.reconnect_ivl_max = most;
        let settings = Settings::new(&Arc::new(options), SocketType::Dealer);
        let endpoint = Endpoint::parse_connect(b"tcp://127.0.0.1:1").unwrap();
        let mut dialer = Dialer::new(endpoint, &settings);
        let mut next = || {
            dialer
                .next_delay(&settings, 7)
                .map(|d| d.as_millis() as u64)
        };
        (0..4).map(|_| next()).collect()
    }

    #[test]
    fn delays_double_up_to_the_cap_or_jitter() {
        assert_eq!(delays(100, 0), [Some(107); 4]);
        assert_eq!(
            delays(100, 300),
            [Some(100), Some(200), Some(300), Some(300)]
        );
        assert_eq!(delays(100, 50), [Some(100); 4]);
        assert_eq!(delays(0, 50), [None; 4]);
        assert_eq!(delays(-1, 0), [None; 4]);
    }
}
