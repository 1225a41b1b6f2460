//! From parsed tcp addresses to socket addresses.

#![forbid(unsafe_code)]

use super::super::ends::SocketDialer;
use super::super::interface::{LookupJob, Resolution};
use super::super::lookup::Question;
use super::super::socket::os;
use super::address::{HostPort, Scope, TcpRoute};
use super::family::Tcp;
use super::numeric::parse_numeric;
use crate::error::{Error, Result};
use crate::sys::{interfaces, resolver};
use socket2::SockAddr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The addresses to connect to for a tcp endpoint, as far as they are known without blocking.
///
/// Errors: see [`Address::resolve`](crate::transport::Address::resolve).
pub(super) fn connect_route(route: &TcpRoute, ipv6: bool) -> io::Result<Resolution> {
    let source = match &route.source {
        Some(source) => Some(local(source, ipv6).map_err(|e| os(e.errno()))?),
        None => None,
    };
    let target = &route.target;
    let scope = scope_index(target).map_err(|e| os(e.errno()))?;
    if let Some(ip) = parse_numeric(&target.host, ipv6) {
        let address = join(ip, target.port, scope);
        return Ok(Resolution::one(SocketDialer::new(address, source, &Tcp)));
    }
    if !could_be_name(&target.host) {
        return Err(os(libc::EINVAL));
    }
    let port = target.port;
    Ok(Resolution::Lookup(LookupJob {
        question: Question {
            host: target.host.clone(),
            ipv6,
        },
        dialer: Box::new(move |ip| {
            let address = join(ip, port, scope);
            Box::new(SocketDialer::new(address, source.clone(), &Tcp))
        }),
    }))
}

/// The address to bind for a tcp endpoint. Blocks while a host name is looked up. The
/// source part is checked, and otherwise ignored.
///
/// Errors: `NoDevice`, `Invalid` for a scope that does not exist, `NoMemory`.
pub(super) fn bind_route(route: &TcpRoute, ipv6: bool) -> Result<SockAddr> {
    if let Some(source) = &route.source {
        local(source, ipv6)?;
    }
    let target = &route.target;
    match local(target, ipv6) {
        Err(Error::NoDevice) if could_be_name(&target.host) => {}
        result => return result,
    }
    let scope = scope_index(target)?;
    match resolver::lookup(&target.host, ipv6) {
        Ok(found) => {
            let first = found.first().ok_or(Error::NoDevice)?;
            Ok(join(*first, target.port, scope))
        }
        Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => Err(Error::NoMemory),
        Err(_) => Err(Error::NoDevice),
    }
}

/// An address of this machine, given as `*`, as a number or as an interface.
fn local(address: &HostPort, ipv6: bool) -> Result<SockAddr> {
    let scope = scope_index(address)?;
    if address.is_any() {
        let any: IpAddr = if ipv6 {
            Ipv6Addr::UNSPECIFIED.into()
        } else {
            Ipv4Addr::UNSPECIFIED.into()
        };
        return Ok(join(any, address.port, scope));
    }
    if let Some(ip) = parse_numeric(&address.host, ipv6) {
        return Ok(join(ip, address.port, scope));
    }
    match interfaces::address_of(&address.host, ipv6) {
        Ok(Some(mut found)) => {
            found.set_port(address.port);
            if let (SocketAddr::V6(six), 1..) = (&mut found, scope) {
                six.set_scope_id(scope);
            }
            Ok(found.into())
        }
        Ok(None) => Err(Error::NoDevice),
        Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => Err(Error::NoMemory),
        Err(_) => Err(Error::NoDevice),
    }
}

/// Whether a resolver could know the host: other texts need no lookup.
fn could_be_name(host: &str) -> bool {
    !host.is_empty() && !host.contains([':', '[', ']', '*', ' ', '\0'])
}

/// Index of the scope's interface, 0 without one. Errors: `Invalid`.
fn scope_index(address: &HostPort) -> Result<u32> {
    match &address.scope {
        None => Ok(0),
        Some(Scope::Index(index)) => Ok(*index),
        Some(Scope::Name(name)) => interfaces::index_of(name).ok_or(Error::Invalid),
    }
}

fn join(ip: IpAddr, port: u16, scope: u32) -> SockAddr {
    match ip {
        IpAddr::V4(ip) => SocketAddrV4::new(ip, port).into(),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
    }
}
