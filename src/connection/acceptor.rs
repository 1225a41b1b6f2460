//! Listening: turning accepted streams into connections.
//!
//! The I/O thread calls an [`Acceptor`] with no lock held; the socket binds, unbinds and
//! closes it from application threads. The listener and the list of accepted connections
//! have a lock each, held for single operations. Invariant: the descriptor is armed, or the
//! timer is set, or the listener is closed.

#![forbid(unsafe_code)]

use super::Connection;
use super::engine::Engine;
use super::event::{self, kind};
use super::half_open::HalfOpen;
use super::link::Link;
use super::settings::Settings;
use crate::error::Result;
use crate::reactor::{After, Key, Reactor, Ready, Source};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, OnceLock};
use crate::sys::log::{Text, log};
use crate::transport::{Endpoint, Listener};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Most connections accepted in one call, so that other sources get their turn.
const BATCH: usize = 64;
/// Pause after the system ran out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// That in words, for the log.
const RETRIES: &str = "; retrying every 100 ms";
/// Pause while there are too many handshakes under way, all of them young.
const LET_FINISH: Duration = Duration::from_millis(10);

/// When to accept again.
enum Next {
    WhenReady,
    After(Duration),
}

/// One bound endpoint of a stream transport.
pub struct Acceptor {
    link: Arc<dyn Link>,
    reactor: Arc<Reactor>,
    settings: Arc<Settings>,
    key: OnceLock<Key>,
    listener: Mutex<Option<Box<dyn Listener>>>,
    endpoint: Vec<u8>,
    /// Accepting pauses for want of descriptors or memory, and that was logged.
    paused: AtomicBool,
    half_open: Arc<HalfOpen>,
    /// Connections accepted here that may still exist.
    children: Mutex<Vec<Weak<Connection>>>,
}

impl Acceptor {
    /// Binds and begins to accept.
    ///
    /// Errors: those of [`Endpoint::listen`], and the system's.
    pub fn bind(
        link: Arc<dyn Link>,
        reactor: Arc<Reactor>,
        settings: Arc<Settings>,
        endpoint: &Endpoint,
    ) -> Result<Arc<Acceptor>> {
        let listener = endpoint.listen(&settings.options).map_err(|failure| {
            if let Some(fd) = failure.fd {
                event::emit(&*link, kind::CLOSED, fd as u64, &failure.endpoint);
            }
            failure.error
        })?;
        let text = listener.endpoint().to_vec();
        let fd = listener.as_fd().as_raw_fd();
        let acceptor = Arc::new(Acceptor {
            link,
            reactor,
            settings,
            key: OnceLock::new(),
            listener: Mutex::new(Some(listener)),
            endpoint: text,
            paused: AtomicBool::new(false),
            half_open: HalfOpen::new(),
            children: Mutex::default(),
        });
        let key = acceptor.reactor.insert(acceptor.clone());
        let _ = acceptor.key.set(key);
        acceptor.event(kind::LISTENING, fd as u64);
        let armed = acceptor.arm(true);
        if let Err(error) = armed {
            acceptor.close();
            return Err(error.into());
        }
        Ok(acceptor)
    }

    /// The bound endpoint, with wildcards resolved: `ZMQ_LAST_ENDPOINT`.
    pub fn endpoint(&self) -> &[u8] {
        &self.endpoint
    }

    /// Stops listening, and stops the connections that were accepted here: they send what
    /// is queued within the linger time.
    pub fn unbind(&self) {
        self.close();
        let children = std::mem::take(&mut *self.children.lock());
        for connection in children.iter().filter_map(Weak::upgrade) {
            connection.stop();
        }
    }

    /// Stops listening at once and removes an ipc socket's file.
    pub fn close(&self) {
        let Some(listener) = self.listener.lock().take() else {
            return;
        };
        let fd = listener.as_fd().as_raw_fd();
        self.reactor.forget_fd(listener.as_fd());
        self.reactor.remove(self.key());
        match listener.close() {
            Ok(()) => self.event(kind::CLOSED, fd as u64),
            Err(error) => self.event(kind::CLOSE_FAILED, error.raw_os_error().unwrap_or(0) as u64),
        }
    }

    fn key(&self) -> Key {
        self.key.get().copied().unwrap_or(Key::MAX)
    }

    fn event(&self, kind: u32, value: u64) {
        event::emit(&*self.link, kind, value, &self.endpoint);
    }

    fn arm(&self, first: bool) -> std::io::Result<()> {
        match &*self.listener.lock() {
            Some(listener) => self
                .reactor
                .arm(listener.as_fd(), self.key(), true, false, first),
            None => Ok(()),
        }
    }

    fn adopt(&self, child: &Arc<Connection>) {
        let mut children = self.children.lock();
        if children.len() == children.capacity() {
            children.retain(|child| child.strong_count() > 0);
        }
        children.push(Arc::downgrade(child));
    }

    /// An accept succeeded: ends a pause.
    fn resumed(&self) {
        if self.paused.swap(false, Ordering::Relaxed) {
            log!(
                Warn,
                self.link.origin(),
                "accepts on {} again",
                Text(&self.endpoint)
            );
        }
    }

    /// Accepts the waiting connections, and returns when to accept again.
    fn accept_all(&self) -> Next {
        for _ in 0..BATCH {
            if !self.half_open.has_room() {
                return Next::After(LET_FINISH);
            }
            let accepted = match &*self.listener.lock() {
                Some(listener) => listener.accept(&self.settings.options),
                None => return Next::WhenReady,
            };
            match accepted {
                Ok(Some(stream)) => {
                    self.resumed();
                    // Events name the address that the peer connected to, with a wildcard
                    // resolved.
                    let mut local = stream.local_endpoint();
                    if local.is_empty() {
                        local = self.endpoint.clone(); // the system has no name for it
                    }
                    let (fd, peer) = (stream.as_raw_fd(), &stream);
                    event::emit(&*self.link, kind::ACCEPTED, fd as u64, &local);
                    let (origin, at) = (self.link.origin(), Text(&local));
                    log!(
                        Info,
                        origin,
                        "accepted {} on {at} (fd {fd})",
                        peer.peer_address_text()
                    );
                    let Some(reactor) = self.link.reactor(self.settings.options.affinity) else {
                        continue;
                    };
                    let (link, settings) = (self.link.clone(), self.settings.clone());
                    let half_open = &self.half_open;
                    let child =
                        Connection::accepted(link, reactor, settings, stream, local, half_open);
                    self.adopt(&child);
                }
                Ok(None) => return Next::WhenReady,
                Err(error) => {
                    let code = error.raw_os_error().unwrap_or(0);
                    let short = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
                    let pauses = short.contains(&code);
                    self.event(kind::ACCEPT_FAILED, code as u64);
                    if !pauses || !self.paused.swap(true, Ordering::Relaxed) {
                        let (origin, at) = (self.link.origin(), Text(&self.endpoint));
                        let then = if pauses { RETRIES } else { "" };
                        log!(Warn, origin, "accept failed on {at}: {error}{then}");
                    }
                    if pauses {
                        while self.half_open.shed() {}
                        return Next::After(PAUSE);
                    }
                }
            }
        }
        Next::WhenReady
    }
}

impl Source for Acceptor {
    fn ready(self: Arc<Self>, _what: Ready) -> After {
        let next = match self.accept_all() {
            Next::WhenReady if self.arm(false).is_err() => Next::After(PAUSE),
            next => next,
        };
        if let Next::After(pause) = next {
            // The connection stays in the backlog and the descriptor readable: do not
            // re-arm.
            self.reactor
                .set_timer(self.key(), Some(Instant::now() + pause));
        }
        After::default()
    }

    fn fail(self: Arc<Self>) {
        self.close();
    }
}
