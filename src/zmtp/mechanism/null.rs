//! NULL (RFC 23, 37): READY both ways, independently of each other.
//!
//! With a ZAP domain set, our READY waits for ZAP's answer.

#![forbid(unsafe_code)]

use super::super::command::{self, Command};
use super::super::error::{HandshakeError, ProtocolError};
use super::super::peer::PeerProperties;
use super::{ZapPolicy, ZapRequest, ZapVerdict, judge, read_error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zap {
    /// To be asked.
    Due,
    /// Asked, no answer yet.
    Asked,
    /// Not needed, or the peer is welcome.
    Accepted,
    /// The peer is not welcome.
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
        // Comes up only while our own READY waits for ZAP: what the peer sends
        // behind its READY is no traffic yet, and libzmq refuses it.
        if self.ready_received {
            return Err(ProtocolError::UnexpectedCommand.into());
        }
        match command::parse(body) {
            Some(Command::Ready(metadata)) => {
                self.ready_received = true;
                peer.read_metadata(metadata)
            }
            _ if body.starts_with(command::ERROR_PREFIX) => Err(read_error(body)),
            _ => Err(ProtocolError::UnexpectedCommand.into()),
        }
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
