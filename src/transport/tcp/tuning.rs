//! Options of the kernel's tcp sockets.

#![forbid(unsafe_code)]

use super::super::socket::open;
use crate::options::Options;
use crate::sys;
use socket2::{Domain, Socket, TcpKeepalive};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// Makes a tcp socket with all options that must be set before bind or connect.
///
/// Errors: the system's. Where the kernel refuses an option of the application (a
/// device) this is an error, while libzmq aborts.
pub(super) fn open_tcp(ipv6: bool, options: &Options) -> io::Result<Socket> {
    let socket = open(if ipv6 { Domain::IPV6 } else { Domain::IPV4 })?;
    if ipv6 {
        // On some systems IPv6 sockets refuse IPv4 by default.
        socket.set_only_v6(false)?;
    }
    mark(&socket, ipv6, options)?;
    if !options.bindtodevice.is_empty() {
        socket.bind_device(Some(&options.bindtodevice))?;
    }
    // The kernel bounds buffer sizes; a refusal is ignored.
    if let Ok(size) = usize::try_from(options.sndbuf) {
        let _ = socket.set_send_buffer_size(size);
    }
    if let Ok(size) = usize::try_from(options.rcvbuf) {
        let _ = socket.set_recv_buffer_size(size);
    }
    Ok(socket)
}

/// Sets the type of service, `SO_PRIORITY` and `SO_BUSY_POLL`. To be repeated on accepted sockets.
///
/// Errors: the kernel's; it refuses a priority above 6 and a busy poll without `CAP_NET_ADMIN`.
pub(super) fn mark(socket: &Socket, ipv6: bool, options: &Options) -> io::Result<()> {
    if let Ok(tos @ 1..) = u32::try_from(options.tos) {
        // An IPv6 socket may carry IPv4, so both are set; not every system can.
        match socket.set_tos_v4(tos) {
            Err(error) if !ipv6 => return Err(error),
            _ => {}
        }
        if ipv6 {
            let _ = socket.set_tclass_v6(tos);
        }
    }
    if options.priority > 0 {
        sys::set_socket_option(socket.as_fd(), libc::SO_PRIORITY, options.priority)?;
    }
    if options.busy_poll > 0 {
        sys::set_socket_option(socket.as_fd(), libc::SO_BUSY_POLL, options.busy_poll)?;
    }
    Ok(())
}

/// Sets the options of a connected tcp stream: no delay, keep-alive, retry limit.
pub(super) fn tune_connected(socket: &Socket, options: &Options) -> io::Result<()> {
    // Connections batch messages; Nagle's algorithm would only add latency.
    socket.set_tcp_nodelay(true)?;
    if options.tcp_keepalive >= 0 {
        let seconds = |value: i32| u64::try_from(value).ok().map(Duration::from_secs);
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = seconds(options.tcp_keepalive_idle) {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = seconds(options.tcp_keepalive_intvl) {
            keepalive = keepalive.with_interval(interval);
        }
        if let Ok(probes) = u32::try_from(options.tcp_keepalive_cnt) {
            keepalive = keepalive.with_retries(probes);
        }
        // Also switches keep-alive on.
        socket.set_tcp_keepalive(&keepalive)?;
        if options.tcp_keepalive == 0 {
            socket.set_keepalive(false)?;
        }
    }
    if let Ok(milliseconds @ 1..) = u64::try_from(options.tcp_maxrt) {
        socket.set_tcp_user_timeout(Some(Duration::from_millis(milliseconds)))?;
    }
    Ok(())
}
