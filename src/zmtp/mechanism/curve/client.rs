//! The client side of the CURVE handshake.

#![forbid(unsafe_code)]

use zeroize::Zeroizing;

use super::keys::{PublicKey, SecretKey, key_pair, shared_key};
use super::message::CurveTraffic;
use super::secretbox::{open, seal};
use super::*;
use crate::zmtp::command::{ERROR_PREFIX, READY_PREFIX};
use crate::zmtp::error::{HandshakeError, ProtocolError};
use crate::zmtp::mechanism::common::read_error;
use crate::zmtp::peer::PeerProperties;

/// The contents of the server's WELCOME.
struct Welcome {
    /// S'.
    server: PublicKey,
    cookie: [u8; COOKIE],
    /// The shared key of C' and S'.
    key: Zeroizing<[u8; 32]>,
}

enum State {
    Start,
    /// HELLO was sent; our secret short-term key, c', and the public one, C'.
    AwaitWelcome(SecretKey, PublicKey),
    SendInitiate(PublicKey, Welcome),
    /// INITIATE was sent; the shared key of C' and S'.
    AwaitReady(Zeroizing<[u8; 32]>),
    Ready(CurveTraffic),
    Failed,
}

pub(in crate::zmtp) struct CurveClient {
    server_key: PublicKey,
    public_key: PublicKey,
    secret_key: SecretKey,
    random: Random,
    state: State,
}

/// Short nonces: 1 for HELLO, 2 for INITIATE, 3 for the first MESSAGE.
const HELLO_NUMBER: u64 = 1;
const INITIATE_NUMBER: u64 = 2;

impl CurveClient {
    pub fn new(
        server_key: PublicKey,
        public_key: PublicKey,
        secret_key: SecretKey,
        random: Random,
    ) -> Self {
        CurveClient {
            server_key,
            public_key,
            secret_key,
            random,
            state: State::Start,
        }
    }

    pub fn next_command(
        &mut self,
        metadata: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<bool, HandshakeError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Start => {
                let (public, secret) = key_pair(self.random)?;
                self.append_hello(&public, &secret, body)?;
                self.state = State::AwaitWelcome(secret, public);
                Ok(true)
            }
            State::SendInitiate(public, welcome) => {
                self.append_initiate(&public, &welcome, metadata, body)?;
                self.state = State::AwaitReady(welcome.key);
                Ok(true)
            }
            other => {
                self.state = other;
                Ok(false)
            }
        }
    }

    pub fn process_command(
        &mut self,
        body: &[u8],
        peer: &mut PeerProperties,
    ) -> Result<(), HandshakeError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::AwaitWelcome(secret, public) if body.starts_with(WELCOME) => {
                let welcome = self
                    .read_welcome(body, &secret)
                    .ok_or(ProtocolError::Cryptographic)?;
                self.state = State::SendInitiate(public, welcome);
                Ok(())
            }
            State::AwaitReady(key) if body.starts_with(READY_PREFIX) => {
                let theirs = read_ready(body, &key, peer)?;
                let traffic = CurveTraffic::client(&key, INITIATE_NUMBER, theirs);
                self.state = State::Ready(traffic);
                Ok(())
            }
            State::AwaitWelcome(..) | State::AwaitReady(_) => {
                Err(match body.strip_prefix(ERROR_PREFIX) {
                    Some(data) => read_error(data),
                    None => ProtocolError::UnexpectedCommand.into(),
                })
            }
            _ => Err(ProtocolError::UnexpectedCommand.into()),
        }
    }

    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    pub fn into_traffic(self) -> Option<CurveTraffic> {
        match self.state {
            State::Ready(traffic) => Some(traffic),
            _ => None,
        }
    }

    fn append_hello(
        &self,
        public: &PublicKey,
        secret: &SecretKey,
        body: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let key = shared_key(&self.server_key, secret).ok_or(ProtocolError::Cryptographic)?;
        let number = HELLO_NUMBER.to_be_bytes();
        body.extend_from_slice(HELLO);
        body.extend_from_slice(&[1, 0]); // version of CURVE
        body.extend_from_slice(&[0; 72]); // padding against amplification
        body.extend_from_slice(public);
        body.extend_from_slice(&number);
        seal(&key, &nonce(HELLO_NONCE, &number), &[0; 64], body);
        Ok(())
    }

    fn read_welcome(&self, body: &[u8], secret: &SecretKey) -> Option<Welcome> {
        // A wrong size is reported as a cryptographic error, as in libzmq.
        if body.len() != WELCOME_SIZE {
            return None;
        }
        let key = shared_key(&self.server_key, secret)?;
        let plain = open(&key, &nonce(WELCOME_NONCE, &body[8..24]), &body[24..])?;
        let server = key_at(&plain, 0)?;
        Some(Welcome {
            key: shared_key(&server, secret)?,
            server,
            cookie: *plain.get(32..)?.first_chunk()?,
        })
    }

    fn append_initiate(
        &self,
        public: &PublicKey,
        welcome: &Welcome,
        metadata: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        let mut vouch_nonce = [0; 16];
        (self.random)(&mut vouch_nonce).map_err(|_| HandshakeError::NoRandom)?;
        let vouch_key =
            shared_key(&welcome.server, &self.secret_key).ok_or(ProtocolError::Cryptographic)?;
        let mut vouch = Zeroizing::new([0; 64]);
        vouch[..32].copy_from_slice(public);
        vouch[32..].copy_from_slice(&self.server_key);

        let mut plain = Zeroizing::new(Vec::with_capacity(128 + metadata.len()));
        plain.extend_from_slice(&self.public_key);
        plain.extend_from_slice(&vouch_nonce);
        let vouch_nonce = nonce(VOUCH_NONCE, &vouch_nonce);
        seal(&vouch_key, &vouch_nonce, vouch.as_slice(), &mut plain);
        plain.extend_from_slice(metadata);

        let number = INITIATE_NUMBER.to_be_bytes();
        body.extend_from_slice(INITIATE);
        body.extend_from_slice(&welcome.cookie);
        body.extend_from_slice(&number);
        seal(&welcome.key, &nonce(INITIATE_NONCE, &number), &plain, body);
        Ok(())
    }
}

/// Decrypts READY, stores its metadata in `peer` and returns the server's short nonce.
fn read_ready(
    body: &[u8],
    key: &[u8; 32],
    peer: &mut PeerProperties,
) -> Result<u64, ProtocolError> {
    if body.len() < READY_MIN {
        return Err(ProtocolError::MalformedReady);
    }
    let plain = open(key, &nonce(READY_NONCE, &body[6..14]), &body[14..])
        .ok_or(ProtocolError::Cryptographic)?;
    peer.read_metadata(&plain)
        .map_err(|_| ProtocolError::InvalidMetadata)?;
    Ok(number_at(body, 6))
}
