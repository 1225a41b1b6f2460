//! What a transport is: the traits that the folder of each scheme implements.
//!
//! The socket parses an endpoint and asks for what the scheme carries. For byte streams it
//! makes an acceptor, which owns a [`Listener`], or a connection, which asks for [`Dialer`]s at
//! each attempt. What both give is a [`ByteStream`].
//!
//! Unless a method says otherwise it does not block. Descriptors are non-blocking and
//! close-on-exec; readiness is the reactor's business.

#![forbid(unsafe_code)]

use super::byte_stream::ByteStream;
use super::dial::Dial;
use super::lookup::{Lookup, Question};
use super::socket::{Family, os};
use crate::abi::socket_type::SocketType;
use crate::error::{Error, Result};
use crate::options::Options;
use std::fmt::Debug;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// What a scheme carries, which determines what engine serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Byte streams: a connection with a ZMTP session each.
    Bytes,
    /// Packets of a message each, without connections. No engine serves them yet.
    Datagrams,
    /// The messages themselves, between sockets of one context, without an engine.
    Messages,
}

/// The facts about a scheme that other layers ask for.
#[derive(Debug)]
pub struct Spec {
    /// The name before `://`.
    pub name: &'static str,
    /// What it carries.
    pub carries: Carries,
    /// The name for `zmq_has`, for those that libzmq counts as optional.
    pub capability: Option<&'static str>,
    /// Whether a socket of this type may use it.
    pub serves: fn(SocketType) -> bool,
    /// `ZMQ_SOCKS_PROXY` applies: [`Address::host_and_port`] is what the proxy connects to.
    pub takes_proxy: bool,
    /// After the first loss events name the address of the last attempt, as in libzmq.
    pub names_attempts: bool,
    /// `ZMQ_RECONNECT_STOP_CONN_REFUSED` applies.
    pub stops_if_refused: bool,
    /// `ZMQ_RECONNECT_STOP_AFTER_DISCONNECT` applies.
    pub stops_after_disconnect: bool,
}

impl Spec {
    /// A scheme for all socket types, with nothing particular.
    pub const fn new(name: &'static str, carries: Carries) -> Spec {
        Spec {
            name,
            carries,
            capability: None,
            serves: |_| true,
            takes_proxy: false,
            names_attempts: false,
            stops_if_refused: false,
            stops_after_disconnect: false,
        }
    }
}

/// A scheme. Called by application threads with their socket locked.
pub trait Transport: Sync {
    /// The facts about it.
    fn spec(&self) -> &'static Spec;

    /// Reads what follows `://` in an endpoint to bind. Opens nothing and looks up nothing.
    ///
    /// Errors: `Invalid`, `NameTooLong`.
    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>>;

    /// Reads what follows `://` in an endpoint to connect to, by default as
    /// [`parse_bind`](Self::parse_bind), with its errors.
    fn parse_connect(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        self.parse_bind(text)
    }

    /// Whether the system offers it. Called before a connect, whose attempts would fail one
    /// after the other otherwise.
    ///
    /// Errors: `ProtoNotSupported`.
    fn check_offered(&self) -> Result<()> {
        Ok(())
    }

    /// Another text by which unbind and disconnect may find the endpoint that follows `://` in
    /// `text`: the one that `ZMQ_LAST_ENDPOINT` shows. May block while a host name is looked up.
    fn shown_as(&self, _text: &[u8], _options: &Options) -> Option<Vec<u8>> {
        None
    }

    /// The family of the kernel's sockets that it uses, by which a socket of the application
    /// (`ZMQ_USE_FD`) is recognised.
    fn family(&self) -> Option<&'static dyn Family> {
        None
    }
}

/// A parsed address. Owned by the socket's call that binds, or by the connection.
pub trait Address: Debug + Send + Sync {
    /// What follows `://`, in the form of `ZMQ_LAST_ENDPOINT`.
    fn text(&self) -> Vec<u8>;

    /// Binds and listens. Called by an application thread with its socket locked; may block
    /// while a host name is looked up.
    ///
    /// Errors: `NoDevice` for a host that does not resolve, `Invalid`, `NameTooLong`,
    /// `AddrInUse`, `TooManyFiles`, else the system's; `ProtoNotSupported` if the scheme does
    /// not carry byte streams or the system does not have it.
    fn listen(&self, _options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        Err(Error::ProtoNotSupported.into())
    }

    /// The addresses to try, or the lookup that finds them. Called with the connection locked,
    /// for each attempt anew: interfaces and names change.
    ///
    /// Errors: `EINVAL` for what can never be resolved, `ENODEV` for a source that is neither
    /// numeric nor an interface, `EADDRNOTAVAIL` if the scheme does not carry byte streams.
    fn resolve(&self, _options: &Options) -> io::Result<Resolution> {
        Err(os(libc::EADDRNOTAVAIL))
    }

    /// Where a proxy is to connect to; `None` if it cannot be told.
    fn host_and_port(&self) -> Option<(&str, u16)> {
        None
    }
}

/// A listening end, non-blocking. Owned by the acceptor, which calls it from one thread at a
/// time under the listener's lock: the I/O thread accepts, an application thread closes.
/// Its descriptor is readable while a connection waits. Dropping it is [`close`](Self::close).
pub trait Listener: AsFd + Debug + Send {
    /// The bound endpoint, as `ZMQ_LAST_ENDPOINT` shows it, with wildcards resolved.
    fn endpoint(&self) -> &[u8];

    /// Accepts one waiting connection; `None` if there is none.
    ///
    /// Errors: `EACCES` for a peer that a filter refuses; the system's if the
    /// new socket cannot be tuned. Both cost that one connection. `EMFILE`,
    /// `ENFILE`, `ENOBUFS` and `ENOMEM`: the connection stays in the queue and
    /// the descriptor readable, so the caller should pause before it tries again.
    fn accept(&self, options: &Options) -> io::Result<Option<ByteStream>>;

    /// Stops listening and removes what the bind has made, as the file of an ipc socket.
    ///
    /// Errors: the system's, if that cannot be removed; the descriptor is closed nonetheless.
    fn close(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

/// One address to connect to, of those that an endpoint stands for. Owned by the connection,
/// and called under its lock.
pub trait Dialer: Debug + Send {
    /// The address as endpoint text, for monitor events and the log: `tcp://1.2.3.4:5`.
    fn text(&self) -> Vec<u8>;

    /// Starts to connect, without waiting. If that fails at once, [`Dial::finish`] returns the
    /// error.
    ///
    /// Errors: the system's, if there is no socket to connect.
    fn dial(&self, options: &Options) -> io::Result<Dial>;
}

/// The error of a failed bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindError {
    /// The reason.
    pub error: Error,
    /// The descriptor that had been opened, and is closed again.
    pub fd: Option<RawFd>,
    /// The endpoint that the event about that descriptor names: as in libzmq, for ipc only.
    pub endpoint: Vec<u8>,
}

impl BindError {
    /// Wraps an error of a call on `socket`.
    pub(super) fn at(socket: &impl AsRawFd) -> impl Fn(io::Error) -> BindError {
        let fd = Some(socket.as_raw_fd());
        move |error| BindError {
            fd,
            ..BindError::from(error)
        }
    }
}

impl From<Error> for BindError {
    fn from(error: Error) -> BindError {
        BindError {
            error,
            fd: None,
            endpoint: Vec::new(),
        }
    }
}

/// Maps the conditions that the library has a name for to that name.
impl From<io::Error> for BindError {
    fn from(error: io::Error) -> BindError {
        BindError::from(match error.raw_os_error() {
            Some(libc::EINVAL) => Error::Invalid,
            Some(libc::EADDRINUSE) => Error::AddrInUse,
            Some(libc::ENODEV) => Error::NoDevice,
            Some(libc::ENOENT) => Error::NotFound,
            Some(libc::ENAMETOOLONG) => Error::NameTooLong,
            Some(libc::EMFILE) => Error::TooManyFiles,
            Some(libc::ENOMEM) => Error::NoMemory,
            _ => Error::from(error),
        })
    }
}

/// The addresses of an endpoint to connect to, or the lookup they need.
pub enum Resolution {
    /// Known at once; never empty.
    Ready(Vec<Box<dyn Dialer>>),
    /// A host name, which needs the resolver.
    Lookup(LookupJob),
}

impl Resolution {
    /// The one address of an endpoint without choice.
    pub(super) fn one(dialer: impl Dialer + 'static) -> Resolution {
        Resolution::Ready(vec![Box::new(dialer)])
    }

    /// The same with each dialer wrapped, by a layer.
    #[cfg(feature = "ws")]
    pub(super) fn map(
        self,
        wrap: impl Fn(Box<dyn Dialer>) -> Box<dyn Dialer> + Send + 'static,
    ) -> Resolution {
        match self {
            Resolution::Ready(all) => Resolution::Ready(all.into_iter().map(wrap).collect()),
            Resolution::Lookup(LookupJob { question, dialer }) => Resolution::Lookup(LookupJob {
                question,
                dialer: Box::new(move |ip| wrap(dialer(ip))),
            }),
        }
    }
}

/// A host name to be looked up.
pub struct LookupJob {
    pub(super) question: Question,
    /// What to do with each address that is found.
    pub(super) dialer: Box<dyn Fn(IpAddr) -> Box<dyn Dialer> + Send>,
}

impl LookupJob {
    /// Sends the query to a resolver thread, which calls `wake` when it has the answer.
    /// That may take many seconds.
    ///
    /// Errors: the system's, if there is no thread to do it.
    pub fn start(self, wake: impl FnOnce() + Send + 'static) -> io::Result<PendingLookup> {
        let lookup = Lookup::start(self.question, wake)?;
        let dialer = self.dialer;
        Ok(PendingLookup { lookup, dialer })
    }
}

/// A lookup under way. Dropping it withdraws the query.
pub struct PendingLookup {
    lookup: Lookup,
    dialer: Box<dyn Fn(IpAddr) -> Box<dyn Dialer> + Send>,
}

impl PendingLookup {
    /// The answer, once it has arrived, and only once: the addresses in the resolver's
    /// order, at least one.
    ///
    /// Errors: `EINVAL` for a name that is not found, `ENOMEM`.
    pub fn take(&self) -> Option<io::Result<Vec<Box<dyn Dialer>>>> {
        let found = self.lookup.take()?;
        Some(found.map(|found| found.into_iter().map(&self.dialer).collect()))
    }
}
