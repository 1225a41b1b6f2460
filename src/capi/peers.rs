//! Peers that have numbers: the draft functions for SERVER and PEER sockets.

use std::ffi::{c_char, c_int, c_void};

use super::boundary::{call, plain, shielded};
use super::msg::message;
use super::socket::text;
use super::types::zmq_msg_t;
use crate::error::Error;
use crate::runtime::socket::{self, endpoints};

/// Connects a PEER as zmq_connect does. Returns the routing id of the new peer, to which
/// messages can be sent at once, or 0 with ENOTSUP (not a PEER), EFAULT (ZMQ_IMMEDIATE
/// is set) or an error of zmq_connect.
///
/// # Safety
/// `endpoint` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_connect_peer(
    socket: *mut c_void,
    endpoint: *const c_char,
) -> u32 {
    // SAFETY: the caller promises that `endpoint` is NULL or a string.
    shielded(|| match unsafe { text(endpoint) } {
        Ok(text) => endpoints::connect_peer(socket as usize, text),
        Err(error) => socket::with(socket as usize, |_| Err(error)),
    })
}

/// Ends the connection of a SERVER or PEER with the peer that has a routing id. Returns
/// 0, or -1 with EHOSTUNREACH (no such peer), ENOTSUP (another type of socket), ETERM or
/// ENOTSOCK.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_disconnect_peer(socket: *mut c_void, routing_id: u32) -> c_int {
    shielded(|| endpoints::disconnect_peer(socket as usize, routing_id).map(|()| 0))
}

/// Sets to which peer a SERVER or PEER sends the message. Returns 0, or -1 with EINVAL
/// (routing id 0) or EFAULT.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_set_routing_id(
    msg: *mut zmq_msg_t,
    routing_id: u32,
) -> c_int {
    call(|| {
        if routing_id == 0 {
            return Err(Error::Invalid);
        }
        // SAFETY: the caller promises that `msg` points to a message.
        unsafe { message(msg)? }.set_routing_id(routing_id);
        Ok(0)
    })
}

/// Returns from which peer a SERVER or PEER received the message, or which was set; 0 if
/// none.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_routing_id(msg: *mut zmq_msg_t) -> u32 {
    // SAFETY: the caller promises that `msg` points to a message.
    plain(|| unsafe { message(msg) }.map_or(0, |msg| msg.routing_id()))
}
