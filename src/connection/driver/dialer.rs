//! The addresses to connect to, and the lookup of host names.
//!
//! Used under the connection's lock. The lookup runs on another thread, which only calls `wake`.

#![forbid(unsafe_code)]

use crate::connection::machine::{Attempts, Tunnel};
use crate::connection::settings::Settings;
use crate::transport::{self, Dial, Endpoint, PendingLookup, Resolution};
use std::io;
use std::time::Instant;

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

    /// What the machine keeps between attempts, before the first one.
    pub(super) fn attempts(&self, seed: u32) -> Attempts {
        let spec = self.endpoint.spec();
        Attempts {
            stops_if_refused: self.proxy.is_none() && spec.stops_if_refused,
            stops_after_disconnect: spec.stops_after_disconnect,
            seed,
            created: Instant::now(),
            delay: None,
            peer_id: None,
        }
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

    /// The session is established: the next attempt resolves the addresses again.
    pub(super) fn forget_targets(&mut self) {
        self.targets = Vec::new();
    }
}

fn failed(errno: i32) -> Attempt {
    Attempt::Failed(io::Error::from_raw_os_error(errno))
}
