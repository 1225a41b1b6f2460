//! The transport options of a socket.

#![forbid(unsafe_code)]

use crate::endpoint::AddressMask;
use crate::sys::adopt::GivenFd;

/// Transport options, copied from the socket's when it binds or connects. The
/// default is libzmq's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// `ZMQ_SNDBUF`, bytes; -1 leaves the system's. tcp only.
    pub sndbuf: i32,
    /// `ZMQ_RCVBUF`, bytes; -1 leaves the system's. tcp only.
    pub rcvbuf: i32,
    /// `ZMQ_TOS`; 0 leaves it. tcp only.
    pub tos: i32,
    /// `ZMQ_PRIORITY`; 0 leaves it. tcp on Linux only.
    pub priority: i32,
    /// `ZMQ_BUSY_POLL`, microseconds; 0 leaves it. tcp on Linux only.
    pub busy_poll: i32,
    /// `ZMQ_TCP_KEEPALIVE`: -1 leaves it, 0 off, 1 on.
    pub keepalive: i32,
    /// `ZMQ_TCP_KEEPALIVE_CNT`, probes; -1 leaves it. Needs `keepalive` 1.
    pub keepalive_cnt: i32,
    /// `ZMQ_TCP_KEEPALIVE_IDLE`, seconds; -1 leaves it. Needs `keepalive` 1.
    pub keepalive_idle: i32,
    /// `ZMQ_TCP_KEEPALIVE_INTVL`, seconds; -1 leaves it. Needs `keepalive` 1.
    pub keepalive_intvl: i32,
    /// `ZMQ_TCP_MAXRT`, milliseconds; 0 leaves it. Linux only.
    pub tcp_maxrt: i32,
    /// `ZMQ_IPV6`: resolve to IPv6 and serve both families.
    pub ipv6: bool,
    /// `ZMQ_BACKLOG`: connections that wait to be accepted.
    pub backlog: i32,
    /// `ZMQ_BINDTODEVICE`: interface name. tcp on Linux only.
    pub bind_to_device: Option<String>,
    /// `ZMQ_USE_FD`: a socket that is bound and listening already.
    pub use_fd: Option<GivenFd>,
    /// `ZMQ_TCP_ACCEPT_FILTER`: a tcp peer must match one; empty lets all in.
    pub tcp_accept_filters: Vec<AddressMask>,
    /// `ZMQ_IPC_FILTER_UID`: user ids that may connect over ipc. An ipc peer
    /// must match one of the three lists, unless all are empty.
    pub ipc_filter_uid: Vec<u32>,
    /// `ZMQ_IPC_FILTER_GID`: group ids, the peer's own or one it belongs to.
    pub ipc_filter_gid: Vec<u32>,
    /// `ZMQ_IPC_FILTER_PID`: process ids.
    pub ipc_filter_pid: Vec<i32>,
}

impl Default for StreamOptions {
    fn default() -> Self {
        StreamOptions {
            sndbuf: -1,
            rcvbuf: -1,
            tos: 0,
            priority: 0,
            busy_poll: 0,
            keepalive: -1,
            keepalive_cnt: -1,
            keepalive_idle: -1,
            keepalive_intvl: -1,
            tcp_maxrt: 0,
            ipv6: false,
            backlog: 100,
            bind_to_device: None,
            use_fd: None,
            tcp_accept_filters: Vec::new(),
            ipc_filter_uid: Vec::new(),
            ipc_filter_gid: Vec::new(),
            ipc_filter_pid: Vec::new(),
        }
    }
}
