//! Reports of a connection's success, loss and unsent messages, for the monitor and the
//! log.
//!
//! Called under the connection's lock. Lines are formatted only if their level is on.

#![forbid(unsafe_code)]

use super::*;
use crate::sys::log::{Level, Text, enabled, log};
use crate::zmtp::ProtocolError;

impl State {
    /// Reports a loss to the monitor and the log. Returns whether the stream ended before
    /// the peer had proved to speak the protocol (a handshake, or a version without
    /// heartbeats), and not because of a protocol error.
    pub(super) fn report_loss(&self, conn: &Connection, loss: &Loss, fd: i32) -> bool {
        let in_handshake = matches!(self.phase, Phase::Handshake(..));
        let old_peer =
            matches!(&self.phase, Phase::Active(_, session) if !session.has_heartbeats());
        match loss {
            Loss::Protocol(HandshakeError::Protocol(error)) => {
                self.event(
                    conn,
                    kind::HANDSHAKE_FAILED_PROTOCOL,
                    u64::from(error.code()),
                );
            }
            Loss::Protocol(HandshakeError::Auth(status) | HandshakeError::Denied(status)) => {
                self.event(conn, kind::HANDSHAKE_FAILED_AUTH, u64::from(*status));
            }
            Loss::Protocol(HandshakeError::NoZapHandler) => {
                self.event(conn, kind::HANDSHAKE_FAILED_NO_DETAIL, libc::EFAULT as u64);
            }
            Loss::Protocol(HandshakeError::NoRandom) => {
                self.event(conn, kind::HANDSHAKE_FAILED_NO_DETAIL, libc::EIO as u64);
            }
            Loss::Refused => {
                let code = libc::EADDRINUSE as u64;
                self.event(conn, kind::HANDSHAKE_FAILED_NO_DETAIL, code);
            }
            Loss::Timeout | Loss::Crowded if in_handshake => {
                self.event(conn, kind::HANDSHAKE_FAILED_NO_DETAIL, libc::EAGAIN as u64);
            }
            Loss::Stream(code) if in_handshake || old_peer => {
                let code = if *code == 0 { libc::EPIPE } else { *code };
                self.event(conn, kind::HANDSHAKE_FAILED_NO_DETAIL, code as u64);
            }
            _ => {}
        }
        self.event(conn, kind::DISCONNECTED, fd as u64);
        if enabled(Level::Warn) {
            self.log_loss(conn, loss);
        }
        (in_handshake || old_peer) && !matches!(loss, Loss::Protocol(_))
    }

    /// Logs that a handshake is complete.
    pub(super) fn log_success(&self, conn: &Connection, session: &Session) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        let version = session.version;
        match session.peer_socket_type {
            _ if conn.settings.raw => {}
            Some(kind) => {
                let (kind, mechanism) = (kind.name(), session.mechanism.name());
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

    /// Logs a loss, with its reason.
    #[cold]
    fn log_loss(&self, conn: &Connection, loss: &Loss) {
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        let Phase::Handshake(stream, handshake) = &self.phase else {
            let why = self.why(conn, loss, None);
            return match loss {
                Loss::Stream(_) => log!(Info, origin, "disconnected from {at}: {why}"),
                _ => log!(Warn, origin, "disconnected from {at}: {why}"),
            };
        };
        let peer = stream.peer_address_text();
        let why = self.why(conn, loss, Some(handshake));
        match loss {
            // A port scan or a health check does this, so it is no warning.
            Loss::Stream(_) if self.dialer.is_none() => {
                log!(Info, origin, "handshake with {peer} on {at} failed: {why}");
            }
            _ => log!(Warn, origin, "handshake with {peer} on {at} failed: {why}"),
        }
    }

    fn why(&self, conn: &Connection, loss: &Loss, handshake: Option<&Handshake>) -> String {
        let options = &conn.settings.options;
        match (loss, handshake) {
            (Loss::Stream(0), _) => "the peer closed the connection".into(),
            (Loss::Stream(code), _) => io::Error::from_raw_os_error(*code).to_string(),
            (Loss::Timeout, Some(_)) => {
                format!(
                    "not done after ZMQ_HANDSHAKE_IVL ({} ms)",
                    options.handshake_ivl
                )
            }
            (Loss::Timeout, None) => format!(
                "no sign of life for ZMQ_HEARTBEAT_TIMEOUT ({} ms) or the peer's time to live",
                options.effective_heartbeat_timeout()
            ),
            (Loss::Refused, _) => "its routing id belongs to another peer".into(),
            (Loss::Crowded, _) => "there are too many unfinished ones".into(),
            (Loss::Protocol(HandshakeError::Protocol(error)), Some(handshake))
                if *error == ProtocolError::MechanismMismatch =>
            {
                let theirs = Text(handshake.peer_mechanism().unwrap_or_default());
                format!(
                    "the peer wants {theirs}, this socket {}",
                    conn.settings.mechanism().name()
                )
            }
            (Loss::Protocol(error), _) => error.to_string(),
        }
    }

    /// Logs that messages are dropped with the connection.
    pub(super) fn log_unsent(&mut self, conn: &Connection, why: &str) {
        if !enabled(Level::Warn) {
            return;
        }
        let count = self.unsent();
        if count > 0 {
            let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
            log!(
                Warn,
                origin,
                "{count} message parts for {at} are not sent: {why}"
            );
        }
    }

    /// About how many message parts wait to be sent.
    pub(in crate::connection) fn unsent(&mut self) -> usize {
        let waiting = self.pipe.as_mut().map_or(0, PipeEnd::unread);
        waiting + usize::from(!self.output.is_empty())
    }
}
