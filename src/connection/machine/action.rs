//! What a machine asks of its driver, in the order in which it is to be done.

#![forbid(unsafe_code)]

use super::super::security::ZapQuery;
use crate::abi::socket_type::SocketType;
use crate::pipe::PipeEnd;
use crate::transport::LayerError;
use crate::zmtp::{HandshakeError, Version};
use std::os::fd::RawFd;
use std::time::Duration;

/// See the module. Before `Ask`, `Establish` and `Fail` the driver writes what is queued.
pub enum Action {
    /// Begin an attempt to connect, at the first address of the endpoint.
    Dial,
    /// The attempt has failed with this errno, 0 if a proxy refused: close its stream, then try
    /// the next address, or call [`Machine::attempt_failed`](super::Machine::attempt_failed).
    AbandonAttempt(i32),
    /// The proxy has connected the stream to the target: call
    /// [`Machine::connected`](super::Machine::connected).
    ThroughProxy,
    /// Send this to the ZAP handler.
    Ask(Box<ZapQuery>),
    /// The handshake is done: call [`Machine::establish`](super::Machine::establish).
    Establish,
    /// The handshake has failed: call [`Machine::fail`](super::Machine::fail).
    Fail(HandshakeError),
    /// There is a new pipe, and this is the socket's end of it.
    Attach(Box<PipeEnd>),
    /// Messages flow.
    Established(Established),
    /// A PING has come.
    PingReceived,
    /// A PING is queued: write it, and note how much the peer has taken by then.
    PingQueued,
    /// Have the stream send a ping, and write it.
    Ping,
    /// The peer seems dead: read what has come, then call
    /// [`Machine::confirm_silence`](super::Machine::confirm_silence).
    Suspect,
    /// Find out whether the peer has hung up, and call [`Machine::probed`](super::Machine::probed).
    Probe(Probe),
    /// The socket has closed the pipe: call
    /// [`Machine::pipe_closed`](super::Machine::pipe_closed).
    PipeClosed,
    /// Write once what would otherwise be dropped, then call
    /// [`Machine::last_flush_done`](super::Machine::last_flush_done).
    LastFlush,
    /// So many message parts are dropped, for this reason.
    Unsent(usize, &'static str),
    /// Report the loss of the stream, which is still open.
    Lost(Box<Lost>),
    /// Close the stream.
    Release,
    /// The next attempt begins after this time.
    RetryIn(Duration),
    /// What the socket has written is void: it is to read that now.
    DeferMail,
    /// No further attempt to connect is made.
    Rest,
    /// Notify the socket of that, see [`Membership::gave_up`](super::super::Membership::gave_up).
    GaveUp { endpoint_stays: bool },
    /// An accepted peer has gone, and left about so many unread bytes in the pipe.
    LeftUnread(u64),
    /// The connection has ended for good.
    Finish,
}

/// Why a peer is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The socket asks, through the pipe.
    Inquiry,
    /// Nothing has been read for a while, because the pipe is full.
    Stalled,
}

/// The peer of a stream, for its metadata and the reports.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// See `Stream::peer_address_text` in `transport`.
    pub address: Vec<u8>,
    /// The number of the descriptor, which messages carry (`ZMQ_SRCFD`).
    pub fd: RawFd,
    /// The stream has pings of its own, which serve as heartbeats in any version of ZMTP.
    pub pings: bool,
}

/// What a handshake has agreed on, for the reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Established {
    pub version: Version,
    pub mechanism: &'static str,
    pub peer_type: Option<SocketType>,
}

/// A loss, for the reports.
#[derive(Debug)]
pub struct Lost {
    pub why: Loss,
    pub in_handshake: bool,
    /// The session was with a peer of a version without heartbeats.
    pub old_peer: bool,
    /// The mechanism in the peer's greeting, if the handshake has read that.
    pub peer_mechanism: Option<Vec<u8>>,
}

/// Why a stream is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The peer or the network closed the stream; errno, 0 for an orderly end.
    Stream(i32),
    /// A time limit passed.
    Timeout,
    /// The socket refused the peer: another peer has its routing id.
    Refused,
    /// Too many handshakes are under way.
    Crowded,
    /// A layer below the session ended the stream.
    Layer(LayerError),
    /// The handshake failed, or the peer broke the protocol after it.
    Protocol(HandshakeError),
}

impl Loss {
    /// The loss by an error of a system call, or of a layer.
    pub fn by(error: &std::io::Error) -> Loss {
        let layer = error.get_ref().and_then(|source| source.downcast_ref());
        match layer.cloned() {
            Some(error) => Loss::Layer(error),
            None => Loss::Stream(error.raw_os_error().unwrap_or(0)),
        }
    }
}
