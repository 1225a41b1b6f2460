//! NULL (RFC 23, 37): each side sends READY without waiting for the other's.
//!
//! With a ZAP domain set, our READY is sent only after ZAP has accepted the peer.

#![forbid(unsafe_code)]

use super::super::command;
use super::super::error::{HandshakeError, ProtocolError};
use super::super::peer::PeerProperties;
use super::common::{ZapPolicy, ZapRequest, ZapVerdict, judge, read_error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zap {
    /// The request is to be sent.
    Due,
    /// The request was sent, the reply is awaited.
    Asked,
    /// ZAP is not needed, or accepted the peer.
    Accepted,
    /// The peer is refused.
    Denied,
}

#[derive(Debug)]
pub(in super::super) struct NullNegotiation {
    policy: ZapPolicy,
    zap: Zap,
    ready_sent: bool,
    ready_received: bool,
}

impl NullNegotiation {
    pub fn new(policy: ZapPolicy) -> Self {
        NullNegotiation {
            policy,
            zap: match policy.domain_set {
                true => Zap::Due,
                false => Zap::Accepted,
            },
            ready_sent: false,
            ready_received: false,
        }
    }

    pub fn next_command(&mut self, metadata: &[u8], body: &mut Vec<u8>) -> bool {
        if self.ready_sent || self.zap != Zap::Accepted {
            return false;
        }
        body.extend_from_slice(command::READY_PREFIX);
        body.extend_from_slice(metadata);
        self.ready_sent = true;
        true
    }

    pub fn process_command(
        &mut self,
        body: &[u8],
        peer: &mut PeerProperties,
    ) -> Result<(), HandshakeError> {
        // Possible only while our READY waits for ZAP: a frame after the peer's READY
        // is an error until then, as in libzmq.
        if self.ready_received {
            return Err(ProtocolError::UnexpectedCommand.into());
        }
        if let Some(metadata) = body.strip_prefix(command::READY_PREFIX) {
            self.ready_received = true;
            return peer.read_metadata(metadata);
        }
        Err(match body.strip_prefix(command::ERROR_PREFIX) {
            Some(data) => read_error(data),
            None => ProtocolError::UnexpectedCommand.into(),
        })
    }

    pub fn take_zap_request(&mut self) -> Option<ZapRequest> {
        if self.zap != Zap::Due {
            return None;
        }
        self.zap = Zap::Asked;
        Some(ZapRequest {
            mechanism: "NULL",
            credentials: Vec::new(),
        })
    }

    pub fn zap_reply(
        &mut self,
        verdict: &ZapVerdict,
        body: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        if self.zap != Zap::Asked {
            return Ok(());
        }
        self.zap = Zap::Denied;
        judge(verdict, self.policy.enforce_domain, body)?;
        self.zap = Zap::Accepted;
        Ok(())
    }

    pub fn is_ready(&self) -> bool {
        self.ready_sent && self.ready_received
    }
}
