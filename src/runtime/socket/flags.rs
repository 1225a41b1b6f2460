//! Events and flags of the calls on a socket.

#![forbid(unsafe_code)]

use crate::abi::numbers::*;

/// `ZMQ_POLLIN`.
pub const POLLIN: i16 = ZMQ_POLLIN as i16;
/// `ZMQ_POLLOUT`.
pub const POLLOUT: i16 = ZMQ_POLLOUT as i16;
/// `ZMQ_POLLERR`.
pub const POLLERR: i16 = ZMQ_POLLERR as i16;
/// `ZMQ_POLLPRI`.
pub const POLLPRI: i16 = ZMQ_POLLPRI as i16;

/// `ZMQ_DONTWAIT`.
pub const DONTWAIT: i32 = ZMQ_DONTWAIT;
/// `ZMQ_SNDMORE`.
pub const SNDMORE: i32 = ZMQ_SNDMORE;
/// A flag beside those: the call sleeps in place. Without it the call is suspended, and made
/// again by the C API, see [`suspend`](crate::sync::suspend).
pub const SLEEPS: i32 = 1 << 30;
