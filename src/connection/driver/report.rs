//! Reports of attempts, successes, losses and unsent messages, for the monitor and the log.
//!
//! Called under the connection's lock. Lines are formatted only if their level is on.

#![forbid(unsafe_code)]

use super::wire::Stream;
use super::{Connection, Driver};
use crate::connection::event::{self, kind};
use crate::connection::machine::{Established, Loss, Lost};
use crate::sys::log::{Level, Text, enabled, log};
use crate::zmtp::{HandshakeError, ProtocolError};
use std::io;

impl Driver {
    pub(super) fn event(&self, conn: &Connection, kind: u32, value: u64) {
        event::emit(&*conn.link, kind, value, &self.endpoint);
    }

    pub(super) fn report_connected(&self, conn: &Connection) {
        self.event(conn, kind::CONNECTED, self.wire.fd() as u64);
    }

    pub(super) fn log_lookup(&self, conn: &Connection) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        log!(Debug, origin, "looking up the host name of {at}");
    }

    /// An attempt has failed before a connect.
    pub(super) fn log_no_attempt(&self, conn: &Connection, error: &io::Error) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        match self.machine.is_resolving() {
            true => log!(Warn, origin, "the host name of {at} is not found"),
            false => log!(Warn, origin, "cannot connect to {at}: {error}"),
        }
    }

    /// A connect has failed; `None`: the proxy refused.
    pub(super) fn log_attempt(&self, conn: &Connection, error: Option<&io::Error>) {
        if let (true, Some(dialer)) = (enabled(Level::Info), &self.dialer) {
            let (at, tried) = (Text(&self.endpoint), Text(dialer.tried()));
            let refused = || "the SOCKS proxy does not do it".into();
            let why = error.map_or_else(refused, io::Error::to_string);
            let origin = conn.link.origin();
            log!(Info, origin, "connecting to {at} ({tried}) failed: {why}");
        }
    }

    pub(super) fn log_rest(&self, conn: &Connection) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        log!(
            Info,
            origin,
            "no further attempt to connect to {at} is made"
        );
    }

    pub(super) fn log_ping(&self, conn: &Connection, way: &str) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        log!(Trace, origin, "PING {way} {at}");
    }

    /// Messages are dropped with the connection.
    pub(super) fn log_unsent(&self, conn: &Connection, count: usize, why: &str) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        log!(
            Warn,
            origin,
            "{count} message parts for {at} are not sent: {why}"
        );
    }

    /// A handshake is complete.
    pub(super) fn report_success(&self, conn: &Connection, session: &Established) {
        let version = session.version;
        if version.has_commands() {
            self.event(conn, kind::HANDSHAKE_SUCCEEDED, 0);
        }
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        match session.peer_type {
            _ if conn.settings.raw => {}
            Some(kind) => {
                let (kind, mechanism) = (kind.name(), session.mechanism);
                log!(
                    Info,
                    origin,
                    "handshake on {at} done: {kind}, {mechanism}, ZMTP {version}"
                );
            }
            None => log!(
                Info,
                origin,
                "handshake on {at} done: a peer of ZMTP {version}"
            ),
        }
    }

    /// The stream, still open, is given up.
    pub(super) fn report_loss(&self, conn: &Connection, lost: &Lost) {
        let failed = |detail: i32| (kind::HANDSHAKE_FAILED_NO_DETAIL, detail as u64);
        let failure = match &lost.why {
            Loss::Protocol(HandshakeError::Protocol(error)) => {
                Some((kind::HANDSHAKE_FAILED_PROTOCOL, u64::from(error.code())))
            }
            Loss::Protocol(HandshakeError::Auth(status) | HandshakeError::Denied(status)) => {
                Some((kind::HANDSHAKE_FAILED_AUTH, u64::from(*status)))
            }
            Loss::Protocol(HandshakeError::NoZapHandler) => Some(failed(libc::EFAULT)),
            Loss::Protocol(HandshakeError::NoRandom) => Some(failed(libc::EIO)),
            Loss::Layer(error) if lost.in_handshake => Some(match error.code {
                Some(code) => (kind::HANDSHAKE_FAILED_PROTOCOL, code.into()),
                None => failed(libc::EPROTO),
            }),
            Loss::Refused => Some(failed(libc::EADDRINUSE)),
            Loss::Timeout | Loss::Crowded if lost.in_handshake => Some(failed(libc::EAGAIN)),
            Loss::Stream(0) if lost.in_handshake || lost.old_peer => Some(failed(libc::EPIPE)),
            Loss::Stream(code) if lost.in_handshake || lost.old_peer => Some(failed(*code)),
            _ => None,
        };
        if let Some((kind, value)) = failure {
            self.event(conn, kind, value);
        }
        self.event(conn, kind::DISCONNECTED, self.wire.fd() as u64);
        if enabled(Level::Warn) {
            self.log_loss(conn, lost);
        }
    }

    #[cold]
    fn log_loss(&self, conn: &Connection, lost: &Lost) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        let why = reason(conn, lost);
        let by_stream = matches!(lost.why, Loss::Stream(_));
        let peer = match &self.wire.stream {
            Stream::Open(stream) if lost.in_handshake => stream.peer_address_text(),
            _ => {
                return match by_stream {
                    true => log!(Info, origin, "disconnected from {at}: {why}"),
                    false => log!(Warn, origin, "disconnected from {at}: {why}"),
                };
            }
        };
        // A port scan or a health check does this, so it is no warning.
        match by_stream && self.dialer.is_none() {
            true => log!(Info, origin, "handshake with {peer} on {at} failed: {why}"),
            false => log!(Warn, origin, "handshake with {peer} on {at} failed: {why}"),
        }
    }
}

fn reason(conn: &Connection, lost: &Lost) -> String {
    let options = &conn.settings.options;
    match &lost.why {
        Loss::Stream(0) => "the peer closed the connection".into(),
        Loss::Stream(code) => io::Error::from_raw_os_error(*code).to_string(),
        Loss::Layer(error) => error.reason.clone(),
        Loss::Timeout if lost.in_handshake => format!(
            "not done after ZMQ_HANDSHAKE_IVL ({} ms)",
            options.handshake_ivl
        ),
        Loss::Timeout => format!(
            "no sign of life for ZMQ_HEARTBEAT_TIMEOUT ({} ms) or the peer's time to live",
            options.effective_heartbeat_timeout()
        ),
        Loss::Refused => "its routing id belongs to another peer".into(),
        Loss::Crowded => "there are too many unfinished ones".into(),
        Loss::Protocol(HandshakeError::Protocol(ProtocolError::MechanismMismatch))
            if lost.in_handshake =>
        {
            format!(
                "the peer wants {}, this socket {}",
                Text(lost.peer_mechanism.as_deref().unwrap_or_default()),
                conn.settings.mechanism().name()
            )
        }
        Loss::Protocol(error) => error.to_string(),
    }
}
