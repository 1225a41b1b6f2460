//! The socket as its connections see it, and its options as they were at bind or connect.

#![forbid(unsafe_code)]

use super::event::Event;
use super::security::{self, OpenQuestion, ZapQuery};
use super::{Connection, Engine};
use crate::abi::socket_type::SocketType;
use crate::endpoint::AddressMask;
use crate::io_policy::Wakeup;
use crate::options::Options;
use crate::pipe::PipeEnd;
use crate::reactor::Reactor;
use crate::sys::log::Origin;
use crate::transport::StreamOptions;
use crate::zmtp::{MechanismConfig, ZapPolicy};
use std::sync::{Arc, Weak};

/// The socket, seen from its engines. Called from any thread, as a rule with an engine
/// locked: the methods must neither block nor lock the socket's slot. They send commands to
/// the socket's mailbox or change its shared part.
pub trait Link: Membership + Diagnostics + Driving + Authentication {}

impl<T: Membership + Diagnostics + Driving + Authentication> Link for T {}

/// The engines of a socket and their pipes: begin and end. See [`Link`].
pub trait Membership: Send + Sync {
    /// The least loaded I/O thread of those in the mask (0: all).
    fn reactor(&self, affinity: u64) -> Option<Arc<Reactor>>;
    /// Registers a new engine, which the socket owns until
    /// [`finished`](Self::finished).
    fn opened(&self, engine: Arc<dyn Engine>);
    /// A handshake is complete, and this is the socket's end of the new pipe.
    fn attach(&self, pipe: PipeEnd);
    /// Whether the peer's routing id is to be the first message of the pipe.
    fn wants_routing_id(&self) -> bool;
    /// `ZMQ_LINGER` at present, in milliseconds; -1 for ever.
    fn linger(&self) -> i32;
    /// A connecting side makes no further attempt. When the socket reads its mail, it
    /// is to [stop](Engine::stop) the connection and to forget the endpoint, so
    /// that it can no longer be disconnected; or to stop it [soon](Engine::stop_soon)
    /// if the endpoint stays, which reports this once more.
    fn gave_up(&self, engine: Weak<dyn Engine>, endpoint_stays: bool);
    /// An accepted peer has gone, and left about this many unread bytes in its pipe.
    fn report_unread(&self, bytes: u64);
    /// Removes an engine that has ended for good.
    fn finished(&self, engine: &dyn Engine);
}

/// The socket's monitor and its lines in the log. See [`Link`].
pub trait Diagnostics: Send + Sync {
    /// The socket's name in the log.
    fn origin(&self) -> Origin;
    /// Whether there is a monitor for [`event`](Self::event).
    fn is_monitored(&self) -> bool;
    /// Queues an event for the monitor.
    fn event(&self, event: Event);
}

/// Which thread drives an engine, and when it has to. See [`Link`].
pub trait Driving: Send + Sync {
    /// Whether an application thread polls now and reads the caller-driven connections
    /// itself. SeqCst load, in the Dekker handshake with
    /// [`add_caller_driven`](Self::add_caller_driven).
    fn is_spinning(&self) -> bool;
    /// Makes a connection caller-driven until the socket calls
    /// [`Engine::hand_to_io_thread`]. Ends with a SeqCst fence: the caller then
    /// rechecks [`is_spinning`](Self::is_spinning).
    fn add_caller_driven(&self, engine: Arc<dyn Engine>);
    /// A counter that changes whenever an application thread reads its connections.
    fn activity(&self) -> u32;
    /// Counts a wake-up of a connection by a message, now.
    fn count_wakeup(&self) -> Wakeup;
    /// Counts that bytes were read.
    fn input_came(&self);
    /// The mail must not wait for the application's next call on the socket: has an I/O
    /// thread read it.
    fn defer_mail(&self);
}

/// The ZAP handler of the context. See [`Link`].
pub trait Authentication: Send + Sync {
    /// Sends a query to the ZAP handler of the context. The answer goes to
    /// [`Connection::zap_reply`], at once or later. Without a handler the verdict is
    /// [`ZapVerdict::Unavailable`](crate::zmtp::ZapVerdict), and `None` is returned. The
    /// connection keeps what is returned until the answer.
    fn zap(&self, query: ZapQuery, connection: Arc<Connection>) -> Option<Box<dyn OpenQuestion>>;
}

/// The socket's options as they were when it bound or connected.
#[derive(Debug)]
pub struct Settings {
    /// The generic options.
    pub options: Arc<Options>,
    /// The type named in the handshake.
    pub socket_type: SocketType,
    /// No ZMTP: every read becomes a message, and messages are written without frames
    /// (STREAM, `ZMQ_ROUTER_RAW`).
    pub raw: bool,
    /// The application has named the peer (`ZMQ_CONNECT_ROUTING_ID`).
    pub names_peer: bool,
    /// Raw connections report their begin and loss by an empty message
    /// (`ZMQ_STREAM_NOTIFY`).
    pub raw_notify: bool,
}

impl Settings {
    /// Whether what this side sends are subscriptions (SUB, XSUB).
    pub fn subscribes(&self) -> bool {
        self.socket_type.spec().subscribes
    }

    /// `ZMQ_MAXMSGSIZE` for input, in bytes; negative for no limit. Raw input has none,
    /// since its messages are this side's making.
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

    /// The options of the transport. Made anew each time: it is seldom needed, and there
    /// would be one for every endpoint.
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
            // The option's setter has checked each.
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

    /// When the options require ZAP.
    pub fn zap(&self) -> ZapPolicy {
        security::zap_policy(&self.options)
    }
}
