//! The filters of accepted peers: `ZMQ_TCP_ACCEPT_FILTER` and the `ZMQ_IPC_FILTER_*`
//! options.

#![forbid(unsafe_code)]

use std::os::fd::AsFd;

use socket2::{SockAddr, Socket};

use super::{StreamOptions, name};
use crate::sys::credentials;

/// Whether the filters admit this accepted socket's peer.
pub(super) fn admits(socket: &Socket, peer: &SockAddr, options: &StreamOptions) -> bool {
    if let Some(ip) = name::ip_of(peer) {
        let filters = &options.tcp_accept_filters;
        return filters.is_empty() || filters.iter().any(|filter| filter.matches(ip));
    }
    if !peer.is_unix() {
        return true;
    }
    let (uids, gids, pids) = (
        &options.ipc_filter_uid,
        &options.ipc_filter_gid,
        &options.ipc_filter_pid,
    );
    if uids.is_empty() && gids.is_empty() && pids.is_empty() {
        return true;
    }
    let Ok(peer) = credentials::peer(socket.as_fd()) else {
        return false;
    };
    uids.contains(&peer.uid)
        || gids.contains(&peer.gid)
        || peer.pid.is_some_and(|pid| pids.contains(&pid))
        || !gids.is_empty() && credentials::belongs_to_any(peer.uid, gids)
}
