//! What a connection knows of its socket.

#![forbid(unsafe_code)]

use super::Connection;
use super::event::Event;
use super::security::{self, OpenQuestion, ZapQuery};
use crate::endpoint::AddressMask;
use crate::options::Options;
use crate::pipe::PipeEnd;
use crate::reactor::Reactor;
use crate::sys::log::Origin;
use crate::transport::StreamOptions;
use crate::zmtp::{MechanismConfig, SocketType, ZapPolicy};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The socket, seen from its connections. The methods are called with a
/// connection locked and must neither block nor lock the socket.
pub trait Link: Send + Sync {
    /// The socket's name in the log.
    fn origin(&self) -> Origin;
    /// A handshake is through and this is the socket's end of the new pipe.
    fn attach(&self, pipe: PipeEnd);
    /// An accepted peer has gone, and left about so many bytes that are not read.
    fn report_unread(&self, bytes: u64);
    /// There is mail that must not wait until the application's next call on the
    /// socket: an I/O thread is to read it.
    fn defer_mail(&self);
    /// Whether the socket wants to be told the peer's routing id, as the first
    /// message of the pipe.
    fn wants_routing_id(&self) -> bool;
    /// `ZMQ_LINGER` as it is now, in milliseconds; -1 for ever.
    fn linger(&self) -> i32;
    /// Something for the monitor.
    fn event(&self, event: Event);
    /// Whether [`event`](Self::event) would be heard by anybody.
    fn is_monitored(&self) -> bool;
    /// Whether a thread of the application waits for messages right now and
    /// reads its connections itself.
    fn is_spinning(&self) -> bool;
    /// A message woke one of the connections, now, at the time of the answer.
    fn count_wakeup(&self, gap: Duration) -> Wakeups;
    /// A number that changes whenever the application drives its connections.
    fn activity(&self) -> u32;
    /// This connection is left to the application until it is told otherwise
    /// by [`Connection::hand_to_io_thread`].
    fn add_caller_driven(&self, connection: Arc<Connection>);
    /// Bytes were read.
    fn input_came(&self);
    /// A connection came into being; the socket keeps it until `finished`.
    fn opened(&self, connection: Arc<Connection>);
    /// A connection is over for good.
    fn finished(&self, connection: &Connection);
    /// A connecting side makes no further attempt. When the socket reads its mail, it
    /// is to [stop](Connection::stop) the connection and to forget the endpoint, so
    /// that it can no longer be disconnected; or to stop it [soon](Connection::stop_soon)
    /// if the endpoint stays, whereupon it is told once more.
    fn gave_up(&self, connection: Weak<Connection>, endpoint_stays: bool);
    /// Asks the ZAP handler of the context; the answer goes to
    /// [`Connection::zap_reply`], at once or later. Without a handler the
    /// verdict is [`ZapVerdict::Unavailable`](crate::zmtp::ZapVerdict), and there
    /// is nothing to be kept until the answer.
    fn zap(&self, query: ZapQuery, connection: Arc<Connection>) -> Option<Box<dyn OpenQuestion>>;
    /// The least busy I/O thread of those in the mask (0: all).
    fn reactor(&self, affinity: u64) -> Option<Arc<Reactor>>;
}

/// A run of messages that each woke a connection of one socket, in nanoseconds of
/// the socket's own clock. A longer pause than the gap begins a new run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wakeups {
    /// When the last of them was.
    pub now: u64,
    /// When the first of them was.
    pub began: u64,
    /// How many they are.
    pub count: u32,
}

/// The socket's options as they were when it bound or connected.
#[derive(Debug)]
pub struct Settings {
    /// The generic options.
    pub options: Arc<Options>,
    /// The type named in the handshake.
    pub socket_type: SocketType,
    /// No ZMTP: every read becomes a message, every message is written as it
    /// is (STREAM, `ZMQ_ROUTER_RAW`).
    pub raw: bool,
    /// The application has named the peer (`ZMQ_CONNECT_ROUTING_ID`).
    pub names_peer: bool,
    /// Raw connections tell of begin and loss by an empty message
    /// (`ZMQ_STREAM_NOTIFY`).
    pub raw_notify: bool,
}

impl Settings {
    /// Whether what this side sends are subscriptions.
    pub fn subscribes(&self) -> bool {
        matches!(self.socket_type, SocketType::Sub | SocketType::Xsub)
    }

    /// `ZMQ_MAXMSGSIZE` for what comes in, in bytes; negative for no limit.
    /// Raw bytes are no messages of the peer's making and have none.
    pub fn frame_limit(&self) -> i64 {
        if self.raw {
            -1
        } else {
            self.options.maxmsgsize
        }
    }

    /// A snapshot of `options`.
    pub fn new(options: &Arc<Options>, socket_type: SocketType) -> Arc<Settings> {
        Arc::new(Settings {
            options: options.clone(),
            socket_type,
            raw: false,
            names_peer: false,
            raw_notify: false,
        })
    }

    /// What the transport wants of the options. Made anew each time, since it is
    /// wanted seldom and there is one of these for every endpoint.
    pub fn stream(&self) -> StreamOptions {
        let options = &self.options;
        let device = String::from_utf8_lossy(&options.bindtodevice).into_owned();
        let filter = |(text, ipv6): &(Vec<u8>, bool)| AddressMask::parse(text, *ipv6).ok();
        StreamOptions {
            sndbuf: options.sndbuf,
            rcvbuf: options.rcvbuf,
            tos: options.tos,
            keepalive: options.tcp_keepalive,
            keepalive_cnt: options.tcp_keepalive_cnt,
            keepalive_idle: options.tcp_keepalive_idle,
            keepalive_intvl: options.tcp_keepalive_intvl,
            tcp_maxrt: options.tcp_maxrt,
            ipv6: options.ipv6,
            backlog: options.backlog,
            bind_to_device: (!device.is_empty()).then_some(device),
            use_fd: options.given_fd.clone(),
            // Each was checked when it was set.
            tcp_accept_filters: options
                .tcp_accept_filters
                .iter()
                .filter_map(filter)
                .collect(),
            ipc_filter_uid: options.ipc_filter_uid.clone(),
            ipc_filter_gid: options.ipc_filter_gid.clone(),
            ipc_filter_pid: options.ipc_filter_pid.clone(),
            ..StreamOptions::default()
        }
    }

    /// The mechanism that the options select, with keys and credentials.
    pub fn mechanism(&self) -> MechanismConfig {
        security::mechanism(&self.options)
    }

    /// When the options want ZAP asked.
    pub fn zap(&self) -> ZapPolicy {
        security::zap_policy(&self.options)
    }
}
