//! PLAIN (RFC 24): user name and password, in the clear.
//!
//! The client sends HELLO with the credentials; the server answers WELCOME once ZAP
//! has accepted them; then INITIATE and READY carry the metadata. Traffic is not
//! protected.

#![forbid(unsafe_code)]

use super::super::command::{ERROR_PREFIX, READY_PREFIX};
use super::super::error::{HandshakeError, ProtocolError};
use super::super::peer::PeerProperties;
use super::common::{ZapRequest, ZapVerdict, check_structure, judge, read_error};
use crate::options::Secret;

const HELLO: &[u8; 6] = b"\x05HELLO";
const WELCOME: &[u8; 8] = b"\x07WELCOME";
const INITIATE: &[u8; 9] = b"\x08INITIATE";
/// The first bytes of an ERROR as sent by PLAIN. libzmq 4.3 writes the name as the C
/// string `"\x5ERROR"`, whose hexadecimal escape includes the E, and accepts
/// nothing else. The RFC's form is accepted here as well.
const SENT_ERROR: &[u8; 5] = b"\x5eRROR";

/// The role of this side in PLAIN.
#[derive(Clone, Debug)]
pub enum PlainRole {
    /// `ZMQ_PLAIN_USERNAME` or `ZMQ_PLAIN_PASSWORD` was set.
    Client {
        /// `ZMQ_PLAIN_USERNAME`: truncated to 255 bytes.
        username: Vec<u8>,
        /// `ZMQ_PLAIN_PASSWORD`: truncated to 255 bytes.
        password: Secret<Vec<u8>>,
    },
    /// `ZMQ_PLAIN_SERVER`: authenticates clients by ZAP.
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientState {
    SendHello,
    AwaitWelcome,
    SendInitiate,
    AwaitReady,
    Ready,
}

#[derive(Debug)]
pub(in super::super) struct PlainClient {
    username: Vec<u8>,
    password: Secret<Vec<u8>>,
    state: ClientState,
}

impl PlainClient {
    pub fn new(username: &[u8], password: &Secret<Vec<u8>>) -> Self {
        PlainClient {
            username: username.to_vec(),
            password: password.clone(),
            state: ClientState::SendHello,
        }
    }

    pub fn next_command(&mut self, metadata: &[u8], body: &mut Vec<u8>) -> bool {
        match self.state {
            ClientState::SendHello => {
                body.extend_from_slice(HELLO);
                append_short(&self.username, body);
                append_short(self.password.expose(), body);
                self.state = ClientState::AwaitWelcome;
            }
            ClientState::SendInitiate => {
                body.extend_from_slice(INITIATE);
                body.extend_from_slice(metadata);
                self.state = ClientState::AwaitReady;
            }
            _ => return false,
        }
        true
    }

    pub fn process_command(
        &mut self,
        body: &[u8],
        peer: &mut PeerProperties,
    ) -> Result<(), HandshakeError> {
        use ClientState::{AwaitReady, AwaitWelcome, Ready, SendInitiate};
        match self.state {
            AwaitWelcome if body.starts_with(WELCOME) => {
                if body.len() != WELCOME.len() {
                    return Err(ProtocolError::MalformedWelcome.into());
                }
                self.state = SendInitiate;
                Ok(())
            }
            AwaitReady if body.starts_with(READY_PREFIX) => {
                peer.read_metadata(&body[READY_PREFIX.len()..])
                    .map_err(|_| ProtocolError::InvalidMetadata)?;
                self.state = Ready;
                Ok(())
            }
            AwaitWelcome | AwaitReady => Err(
                match body
                    .strip_prefix(SENT_ERROR)
                    .or_else(|| body.strip_prefix(ERROR_PREFIX))
                {
                    Some(data) => read_error(data),
                    None => ProtocolError::UnexpectedCommand.into(),
                },
            ),
            _ => Err(ProtocolError::UnexpectedCommand.into()),
        }
    }

    pub fn is_ready(&self) -> bool {
        self.state == ClientState::Ready
    }
}

/// Appends a length octet and the text, truncated to 255 bytes.
fn append_short(text: &[u8], body: &mut Vec<u8>) {
    let len = u8::try_from(text.len()).unwrap_or(u8::MAX);
    body.push(len);
    body.extend_from_slice(&text[..usize::from(len)]);
}

#[derive(Debug, PartialEq, Eq)]
enum ServerState {
    AwaitHello,
    /// With user name and password.
    ZapDue(ZapRequest),
    ZapAsked,
    SendWelcome,
    AwaitInitiate,
    SendReady,
    Ready,
    Failed,
}

#[derive(Debug)]
pub(in super::super) struct PlainServer {
    state: ServerState,
}

impl PlainServer {
    pub fn new() -> Self {
        PlainServer {
            state: ServerState::AwaitHello,
        }
    }

    pub fn next_command(&mut self, metadata: &[u8], body: &mut Vec<u8>) -> bool {
        match self.state {
            ServerState::SendWelcome => {
                body.extend_from_slice(WELCOME);
                self.state = ServerState::AwaitInitiate;
            }
            ServerState::SendReady => {
                body.extend_from_slice(READY_PREFIX);
                body.extend_from_slice(metadata);
                self.state = ServerState::Ready;
            }
            _ => return false,
        }
        true
    }

    pub fn process_command(
        &mut self,
        body: &[u8],
        peer: &mut PeerProperties,
    ) -> Result<(), HandshakeError> {
        match self.state {
            ServerState::AwaitHello => {
                self.state = ServerState::ZapDue(ZapRequest {
                    mechanism: "PLAIN",
                    credentials: read_hello(body)?,
                });
                Ok(())
            }
            ServerState::AwaitInitiate => {
                let metadata = body
                    .strip_prefix(INITIATE)
                    .ok_or(ProtocolError::UnexpectedCommand)?;
                peer.read_metadata(metadata)?;
                self.state = ServerState::SendReady;
                Ok(())
            }
            _ => Err(ProtocolError::ZmtpUnspecified.into()),
        }
    }

    pub fn take_zap_request(&mut self) -> Option<ZapRequest> {
        match std::mem::replace(&mut self.state, ServerState::ZapAsked) {
            ServerState::ZapDue(request) => Some(request),
            other => {
                self.state = other;
                None
            }
        }
    }

    pub fn zap_reply(
        &mut self,
        verdict: &ZapVerdict,
        body: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        if self.state != ServerState::ZapAsked {
            return Ok(());
        }
        self.state = ServerState::Failed;
        // A handler is required: without one the credentials would not be checked.
        let judged = judge(verdict, true, body);
        if body.starts_with(ERROR_PREFIX) {
            body.splice(..ERROR_PREFIX.len(), *SENT_ERROR);
        }
        judged?;
        self.state = ServerState::SendWelcome;
        Ok(())
    }

    pub fn is_ready(&self) -> bool {
        self.state == ServerState::Ready
    }
}

fn read_hello(body: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
    check_structure(body, body.len())?;
    let rest = body
        .strip_prefix(HELLO)
        .ok_or(ProtocolError::UnexpectedCommand)?;
    let (username, rest) = split_short(rest).ok_or(ProtocolError::MalformedHello)?;
    match split_short(rest) {
        Some((password, [])) => Ok(vec![username.to_vec(), password.to_vec()]),
        _ => Err(ProtocolError::MalformedHello),
    }
}

/// Reads what [`append_short`] wrote.
fn split_short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(len))
}
