//! Error numbers of libzmq's own, away from any system's.

#![forbid(unsafe_code)]

use std::ffi::c_int;

/// Base of these numbers, `ZMQ_HAUSNUMERO` in the header.
pub const HAUSNUMERO: c_int = 156_384_712;
/// Operation not possible in the socket's current state.
pub const EFSM: c_int = HAUSNUMERO + 51;
/// The transport cannot be used with this socket type.
pub const ENOCOMPATPROTO: c_int = HAUSNUMERO + 52;
/// The context was terminated.
pub const ETERM: c_int = HAUSNUMERO + 53;
/// No I/O thread is available.
pub const EMTHREAD: c_int = HAUSNUMERO + 54;
