//! The kernel's tcp sockets.

#![forbid(unsafe_code)]

use super::super::socket::{Family, os};
use super::mask::AddressMask;
use super::{name, tuning};
use crate::io_policy::tunables::SEND_QUEUE;
use crate::options::Options;
use socket2::{SockAddr, Socket};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// `tcp://`: TCP over IPv4 or IPv6.
#[derive(Debug)]
pub struct Tcp;

impl Family for Tcp {
    fn text(&self, address: &SockAddr) -> Option<Vec<u8>> {
        address
            .as_socket()
            .map(|address| name::endpoint_text(&address))
    }

    fn open(&self, address: &SockAddr, options: &Options) -> io::Result<Socket> {
        tuning::open_tcp(address.is_ipv6(), options)
    }

    fn connected(&self, socket: &Socket, peer: &SockAddr, options: &Options) -> io::Result<()> {
        if meets_itself(socket, peer)? {
            // Close with a reset: the port must be free for its actual listener.
            let _ = socket.set_linger(Some(Duration::ZERO));
            return Err(os(libc::ECONNREFUSED));
        }
        tuning::tune_connected(socket, options)
    }

    fn admit(&self, socket: &Socket, peer: &SockAddr, options: &Options) -> io::Result<()> {
        let filters = &options.tcp_accept_filters;
        let ip = peer.as_socket().map(|peer| peer.ip());
        let matches = |(mask, ipv6): &(Vec<u8>, bool)| {
            let mask = AddressMask::parse(mask, *ipv6).ok();
            mask.zip(ip).is_some_and(|(mask, ip)| mask.matches(ip))
        };
        if !filters.is_empty() && !filters.iter().any(matches) {
            return Err(os(libc::EACCES));
        }
        tuning::mark(socket, peer.is_ipv6(), options)?;
        tuning::tune_connected(socket, options)
    }

    fn peer_address_text(&self, _socket: &Socket, peer: &SockAddr) -> String {
        let peer = peer.as_socket();
        peer.map_or(String::new(), |peer| name::host_text(&peer))
    }

    /// Half a MiB for a peer on this machine, where the queue would grow to several. Beyond
    /// that the bytes leave the processor's caches between the two copies, and both take twice
    /// as long.
    fn limit_send_queue(&self, socket: &Socket) {
        let host = |address: io::Result<SockAddr>| Some(address.ok()?.as_socket()?.ip());
        let peer = host(socket.peer_addr());
        let is_local = |peer: IpAddr| {
            peer.to_canonical().is_loopback() || Some(peer) == host(socket.local_addr())
        };
        if peer.is_some_and(is_local) {
            // A refusal is ignored.
            let _ = socket.set_send_buffer_size(SEND_QUEUE);
        }
    }
}

/// Whether the socket is connected to itself. A connect to a port of the ephemeral range
/// that has no listener can be assigned that very port as its source, and TCP then connects
/// it to itself.
fn meets_itself(socket: &Socket, peer: &SockAddr) -> io::Result<bool> {
    Ok(socket.local_addr()?.as_socket() == peer.as_socket())
}
