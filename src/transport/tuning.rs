//! Socket options of the kernel's sockets.

#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::StreamOptions;

/// Makes a non-blocking, close-on-exec stream socket.
pub(super) fn open(domain: Domain) -> io::Result<Socket> {
    let internet = domain == Domain::IPV4 || domain == Domain::IPV6;
    let protocol = internet.then_some(Protocol::TCP);
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), protocol)?;
    Ok(socket)
}

/// Makes a tcp socket with all options that must be set before bind or connect.
///
/// Errors: the system's. Where the kernel refuses an option of the application (a device, a
/// priority) this is an error, while libzmq aborts.
pub(super) fn open_tcp(ipv6: bool, options: &StreamOptions) -> io::Result<Socket> {
    let socket = open(if ipv6 { Domain::IPV6 } else { Domain::IPV4 })?;
    if ipv6 {
        // On some systems IPv6 sockets refuse IPv4 by default.
        socket.set_only_v6(false)?;
    }
    mark(&socket, ipv6, options)?;
    if let Some(device) = &options.bind_to_device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    // The kernel bounds buffer sizes; a refusal is ignored.
    if let Ok(size) = usize::try_from(options.sndbuf) {
        let _ = socket.set_send_buffer_size(size);
    }
    if let Ok(size) = usize::try_from(options.rcvbuf) {
        let _ = socket.set_recv_buffer_size(size);
    }
    if let Ok(microseconds @ 1..) = u32::try_from(options.busy_poll) {
        // Needs a privilege; the option is an optimisation, so a refusal is ignored.
        let _ = socket.set_busy_poll(microseconds);
    }
    Ok(socket)
}

/// Sets type of service and priority. To be repeated on accepted sockets.
pub(super) fn mark(socket: &Socket, ipv6: bool, options: &StreamOptions) -> io::Result<()> {
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
    if let Ok(priority @ 1..) = u32::try_from(options.priority) {
        socket.set_priority(priority)?;
    }
    Ok(())
}

/// Sets the options of a connected tcp stream: no delay, keep-alive, retry limit.
pub(super) fn tune_connected(socket: &Socket, options: &StreamOptions) -> io::Result<()> {
    // Connections batch messages; Nagle's algorithm would only add latency.
    socket.set_tcp_nodelay(true)?;
    if options.keepalive >= 0 {
        let seconds = |value: i32| u64::try_from(value).ok().map(Duration::from_secs);
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = seconds(options.keepalive_idle) {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = seconds(options.keepalive_intvl) {
            keepalive = keepalive.with_interval(interval);
        }
        if let Ok(probes) = u32::try_from(options.keepalive_cnt) {
            keepalive = keepalive.with_retries(probes);
        }
        // Also switches keep-alive on.
        socket.set_tcp_keepalive(&keepalive)?;
        if options.keepalive == 0 {
            socket.set_keepalive(false)?;
        }
    }
    if let Ok(milliseconds @ 1..) = u64::try_from(options.tcp_maxrt) {
        socket.set_tcp_user_timeout(Some(Duration::from_millis(milliseconds)))?;
    }
    Ok(())
}
