//! The one error type of the library and its single mapping to `errno` values.

#![forbid(unsafe_code)]

use crate::abi::errors::{EFSM, EMTHREAD, ENOCOMPATPROTO, ETERM};
use std::ffi::c_int;
use std::{fmt, io};

/// Everything a call of the public API can fail with.
///
/// Named variants are the conditions the library itself detects; whatever the
/// operating system reports travels unchanged as [`Error::Os`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `EINVAL`: an argument, option, option length or address is wrong.
    Invalid,
    /// `EAGAIN`: would block, or the timeout passed.
    Again,
    /// `EFAULT`: a handle or pointer is NULL or not what it should be.
    Fault,
    /// `ENOTSOCK`: not a live socket handle.
    NotSocket,
    /// `ENOTSUP`: the socket type cannot do this.
    NotSupported,
    /// `EFSM`: not in this state.
    Fsm,
    /// `ENOCOMPATPROTO`: transport and socket type do not fit.
    NoCompatProto,
    /// `EPROTONOSUPPORT`: unknown transport.
    ProtoNotSupported,
    /// `ETERM`: the context was terminated.
    Term,
    /// `EMTHREAD`: no I/O thread to serve the connection.
    NoThread,
    /// `EHOSTUNREACH`: no such peer.
    HostUnreachable,
    /// `EADDRINUSE`: the endpoint is taken.
    AddrInUse,
    /// `ENOENT`: no such endpoint on this socket.
    NotFound,
    /// `ENODEV`: no such interface or host.
    NoDevice,
    /// `ENAMETOOLONG`: the ipc path does not fit.
    NameTooLong,
    /// `EMFILE`: too many sockets or descriptors.
    TooManyFiles,
    /// `ENOMEM`: allocation failed.
    NoMemory,
    /// `EINTR`: a signal handler ran while the call was blocked.
    Interrupted,
    /// `EDEADLK`: the call came from a signal handler that interrupted another call of the
    /// same thread on the same socket.
    Nested,
    /// Not seen by a program: the call is suspended, see [`suspend`](crate::sync::suspend).
    Suspended,
    /// Any other `errno` value, as the operating system gave it.
    Os(c_int),
}

/// What stands for [`Error::Suspended`] where an `errno` value is expected.
pub const SUSPENDED: c_int = c_int::MIN;

/// `Result` with the library's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The `errno` value a C caller sees for this error.
    pub const fn errno(self) -> c_int {
        match self {
            Error::Invalid => libc::EINVAL,
            Error::Again => libc::EAGAIN,
            Error::Fault => libc::EFAULT,
            Error::NotSocket => libc::ENOTSOCK,
            Error::NotSupported => libc::ENOTSUP,
            Error::Fsm => EFSM,
            Error::NoCompatProto => ENOCOMPATPROTO,
            Error::ProtoNotSupported => libc::EPROTONOSUPPORT,
            Error::Term => ETERM,
            Error::NoThread => EMTHREAD,
            Error::HostUnreachable => libc::EHOSTUNREACH,
            Error::AddrInUse => libc::EADDRINUSE,
            Error::NotFound => libc::ENOENT,
            Error::NoDevice => libc::ENODEV,
            Error::NameTooLong => libc::ENAMETOOLONG,
            Error::TooManyFiles => libc::EMFILE,
            Error::NoMemory => libc::ENOMEM,
            Error::Interrupted => libc::EINTR,
            Error::Nested => libc::EDEADLK,
            Error::Suspended => SUSPENDED,
            Error::Os(code) => code,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errno() {
            EFSM => f.write_str("operation not possible in this state (EFSM)"),
            ENOCOMPATPROTO => f.write_str("transport and socket type do not fit (ENOCOMPATPROTO)"),
            ETERM => f.write_str("the context was terminated (ETERM)"),
            EMTHREAD => f.write_str("no I/O thread is available (EMTHREAD)"),
            code => io::Error::from_raw_os_error(code).fmt(f),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) => Error::Os(code),
            None if error.kind() == io::ErrorKind::WouldBlock => Error::Again,
            None => Error::Os(libc::EIO),
        }
    }
}
