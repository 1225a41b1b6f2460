//! The server side of the CURVE handshake.

#![forbid(unsafe_code)]

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::keys::{PublicKey, SecretKey, key_pair, shared_key};
use super::message::CurveTraffic;
use super::secretbox::{TAG, open, seal};
use super::*;
use crate::zmtp::command::READY_PREFIX;
use crate::zmtp::error::{HandshakeError, ProtocolError};
use crate::zmtp::mechanism::common::{ZapPolicy, ZapRequest, ZapVerdict, check_structure, judge};
use crate::zmtp::peer::PeerProperties;

/// The keys of one connection after a valid HELLO.
struct Keys {
    /// C'.
    client: PublicKey,
    /// s'.
    secret: SecretKey,
    /// The key of the cookie, for this connection only.
    cookie: Zeroizing<[u8; 32]>,
}

enum State {
    AwaitHello,
    /// C', and the shared key of C' and s.
    SendWelcome(PublicKey, Zeroizing<[u8; 32]>),
    AwaitInitiate(Keys),
    /// The ZAP request about C is to be sent.
    ZapDue(PublicKey, Session),
    ZapAsked(Session),
    SendReady(Session),
    Ready(CurveTraffic),
    Failed,
}

/// For READY and traffic: the shared key of C' and S', the client's last short nonce.
struct Session {
    key: Zeroizing<[u8; 32]>,
    theirs: u64,
}

pub(in crate::zmtp) struct CurveServer {
    secret_key: SecretKey,
    random: Random,
    zap: ZapPolicy,
    state: State,
}

/// Short nonces: 1 for READY, 2 for the first MESSAGE.
const READY_NUMBER: u64 = 1;

impl CurveServer {
    pub fn new(secret_key: SecretKey, random: Random, zap: ZapPolicy) -> Self {
        CurveServer {
            secret_key,
            random,
            zap,
            state: State::AwaitHello,
        }
    }

    pub fn next_command(
        &mut self,
        metadata: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<bool, HandshakeError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::SendWelcome(client, key) => {
                self.state = State::AwaitInitiate(self.append_welcome(client, &key, body)?);
                Ok(true)
            }
            State::SendReady(session) => {
                let number = READY_NUMBER.to_be_bytes();
                body.extend_from_slice(READY_PREFIX);
                body.extend_from_slice(&number);
                seal(&session.key, &nonce(READY_NONCE, &number), metadata, body);
                let traffic = CurveTraffic::server(&session.key, READY_NUMBER, session.theirs);
                self.state = State::Ready(traffic);
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
            State::AwaitHello => {
                let (client, key) = self.read_hello(body)?;
                self.state = State::SendWelcome(client, key);
                Ok(())
            }
            State::AwaitInitiate(keys) => {
                let (client, session, metadata) = read_initiate(body, &keys)?;
                peer.read_metadata(&metadata)?;
                self.state = match self.zap.skips_curve() {
                    true => State::SendReady(session),
                    false => State::ZapDue(client, session),
                };
                Ok(())
            }
            _ => Err(ProtocolError::ZmtpUnspecified.into()),
        }
    }

    pub fn take_zap_request(&mut self) -> Option<ZapRequest> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::ZapDue(client, session) => {
                self.state = State::ZapAsked(session);
                Some(ZapRequest {
                    mechanism: "CURVE",
                    credentials: vec![client.to_vec()],
                })
            }
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
        match std::mem::replace(&mut self.state, State::Failed) {
            State::ZapAsked(session) => {
                judge(verdict, self.zap.enforce_domain, body)?;
                self.state = State::SendReady(session);
            }
            other => self.state = other,
        }
        Ok(())
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

    /// Returns C', and the shared key of C' and s.
    fn read_hello(&self, body: &[u8]) -> Result<(PublicKey, Zeroizing<[u8; 32]>), ProtocolError> {
        check_structure(body, body.len())?;
        if !body.starts_with(HELLO) {
            return Err(ProtocolError::UnexpectedCommand);
        }
        if body.len() != HELLO_SIZE || body[6..8] != [1, 0] {
            return Err(ProtocolError::MalformedHello);
        }
        let client = key_at(body, 80).ok_or(ProtocolError::MalformedHello)?;
        let key = shared_key(&client, &self.secret_key).ok_or(ProtocolError::Cryptographic)?;
        open(&key, &nonce(HELLO_NONCE, &body[112..120]), &body[120..])
            .ok_or(ProtocolError::Cryptographic)?;
        Ok((client, key))
    }

    fn append_welcome(
        &self,
        client: PublicKey,
        key: &[u8; 32],
        body: &mut Vec<u8>,
    ) -> Result<Keys, HandshakeError> {
        let fill = |bytes: &mut [u8]| (self.random)(bytes).map_err(|_| HandshakeError::NoRandom);
        let (public, secret) = key_pair(self.random)?;
        let mut cookie_key = Zeroizing::new([0; 32]);
        let (mut cookie_nonce, mut welcome_nonce) = ([0; 16], [0; 16]);
        fill(cookie_key.as_mut_slice())?;
        fill(&mut cookie_nonce)?;
        fill(&mut welcome_nonce)?;

        let mut proof = Zeroizing::new([0; 64]);
        proof[..32].copy_from_slice(&client);
        proof[32..].copy_from_slice(secret.expose());
        let mut plain = Zeroizing::new(Vec::with_capacity(32 + COOKIE));
        plain.extend_from_slice(&public);
        plain.extend_from_slice(&cookie_nonce);
        let cookie_nonce = nonce(COOKIE_NONCE, &cookie_nonce);
        seal(&cookie_key, &cookie_nonce, proof.as_slice(), &mut plain);

        body.extend_from_slice(WELCOME);
        body.extend_from_slice(&welcome_nonce);
        seal(key, &nonce(WELCOME_NONCE, &welcome_nonce), &plain, body);
        Ok(Keys {
            client,
            secret,
            cookie: cookie_key,
        })
    }
}

/// Returns C, the session, and the client's metadata.
fn read_initiate(
    body: &[u8],
    keys: &Keys,
) -> Result<(PublicKey, Session, Zeroizing<Vec<u8>>), ProtocolError> {
    check_structure(body, body.len())?;
    if !body.starts_with(INITIATE) {
        return Err(ProtocolError::UnexpectedCommand);
    }
    if body.len() < INITIATE_MIN {
        return Err(ProtocolError::MalformedInitiate);
    }
    check_cookie(&body[9..9 + COOKIE], keys).ok_or(ProtocolError::Cryptographic)?;
    let session = Session {
        key: shared_key(&keys.client, &keys.secret).ok_or(ProtocolError::Cryptographic)?,
        theirs: number_at(body, 105),
    };
    let mut plain = open(
        &session.key,
        &nonce(INITIATE_NONCE, &body[105..113]),
        &body[113..],
    )
    .ok_or(ProtocolError::Cryptographic)?;

    let client = key_at(&plain, 0).ok_or(ProtocolError::MalformedInitiate)?;
    let vouch = shared_key(&client, &keys.secret)
        .and_then(|key| {
            let vouch_nonce = nonce(VOUCH_NONCE, plain.get(32..48)?);
            open(&key, &vouch_nonce, plain.get(48..48 + TAG + 64)?)
        })
        .ok_or(ProtocolError::Cryptographic)?;
    if !bool::from(vouch[..32].ct_eq(&keys.client)) {
        return Err(ProtocolError::KeyExchange);
    }
    plain.drain(..128);
    Ok((client, session, plain))
}

fn check_cookie(cookie: &[u8], keys: &Keys) -> Option<()> {
    let (cookie_nonce, cookie) = cookie.split_at_checked(16)?;
    let plain = open(&keys.cookie, &nonce(COOKIE_NONCE, cookie_nonce), cookie)?;
    let good = plain.get(..32)?.ct_eq(&keys.client) & plain.get(32..)?.ct_eq(keys.secret.expose());
    bool::from(good).then_some(())
}
