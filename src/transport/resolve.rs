//! From parsed tcp and ipc addresses to socket addresses.

#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;

use socket2::SockAddr;

use super::lookup::{Lookup, Question};
use super::{StreamOptions, Target};
use crate::endpoint::{Endpoint, HostPort, IpcAddress, Scope, TcpRoute, parse_numeric};
use crate::error::{Error, Result};
use crate::sys::{interfaces, resolver};

/// The addresses of an endpoint to connect to, or the lookup they need.
#[derive(Debug)]
pub enum Resolution {
    /// Known at once; never empty.
    Ready(Vec<Target>),
    /// A host name, which needs the resolver.
    Lookup(LookupJob),
}

/// A host name to be looked up.
#[derive(Clone, Debug)]
pub struct LookupJob {
    host: String,
    scope: u32,
    port: u16,
    source: Option<SockAddr>,
    ipv6: bool,
}

impl Resolution {
    /// Resolves a tcp, ipc, tipc or vsock endpoint as far as that is possible without
    /// blocking. To be repeated for each attempt: interfaces and names change.
    ///
    /// Errors: `EINVAL` for what can never be resolved, `ENODEV` for a source
    /// that is neither numeric nor an interface, `EADDRNOTAVAIL` for inproc.
    pub fn start(endpoint: &Endpoint, options: &StreamOptions) -> io::Result<Resolution> {
        let ipv6 = options.ipv6 && resolver::has_ipv6();
        match endpoint {
            Endpoint::Inproc(_) => Err(os(libc::EADDRNOTAVAIL)),
            Endpoint::Ipc(address) => {
                let address = unix_address(address)?;
                Ok(Resolution::Ready(vec![Target::new(address, None)]))
            }
            Endpoint::Tipc(address) => {
                let address = super::tipc::socket_address(address)?;
                Ok(Resolution::Ready(vec![Target::new(address, None)]))
            }
            Endpoint::Vsock(address) => {
                let address = super::vsock::socket_address(address)?;
                Ok(Resolution::Ready(vec![Target::new(address, None)]))
            }
            Endpoint::Tcp(address) => match address.route() {
                Ok(route) => connect_route(route, ipv6),
                Err(error) => Err(os(error.errno())),
            },
        }
    }
}

/// A lookup under way. Dropping it withdraws the query.
#[derive(Debug)]
pub struct PendingLookup {
    job: LookupJob,
    lookup: Lookup,
}

impl PendingLookup {
    /// The answer, once it has arrived, and only once: the addresses in the resolver's
    /// order, at least one.
    ///
    /// Errors: `EINVAL` for a name that is not found, `ENOMEM`.
    pub fn take(&self) -> Option<io::Result<Vec<Target>>> {
        let job = &self.job;
        let target = |ip| Target::new(join(ip, job.port, job.scope), job.source.clone());
        let found = self.lookup.take()?;
        Some(found.map(|found| found.into_iter().map(target).collect()))
    }
}

impl LookupJob {
    /// Sends the query to a resolver thread, which calls `wake` when it has the answer.
    /// That may take many seconds.
    ///
    /// Errors: the system's, if there is no thread to do it.
    pub fn start(self, wake: impl FnOnce() + Send + 'static) -> io::Result<PendingLookup> {
        let question = Question {
            host: self.host.clone(),
            ipv6: self.ipv6,
        };
        let lookup = Lookup::start(question, wake)?;
        Ok(PendingLookup { job: self, lookup })
    }

    /// The name to look up.
    #[cfg(test)]
    pub fn host(&self) -> &str {
        &self.host
    }
}

fn connect_route(route: &TcpRoute, ipv6: bool) -> io::Result<Resolution> {
    let source = match &route.source {
        Some(source) => Some(local(source, ipv6).map_err(|e| os(e.errno()))?),
        None => None,
    };
    let target = &route.target;
    let scope = scope_index(target).map_err(|e| os(e.errno()))?;
    if let Some(ip) = parse_numeric(&target.host, ipv6) {
        let address = join(ip, target.port, scope);
        return Ok(Resolution::Ready(vec![Target::new(address, source)]));
    }
    if !could_be_name(&target.host) {
        return Err(os(libc::EINVAL));
    }
    Ok(Resolution::Lookup(LookupJob {
        host: target.host.clone(),
        scope,
        port: target.port,
        source,
        ipv6,
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

/// The socket address of a path or an abstract name.
///
/// Errors: `EINVAL` for the wildcard, `ENAMETOOLONG`.
pub(super) fn unix_address(address: &IpcAddress) -> io::Result<SockAddr> {
    let made = match address {
        IpcAddress::Wildcard => return Err(os(libc::EINVAL)),
        IpcAddress::Path(path) => SockAddr::unix(OsStr::from_bytes(path)),
        IpcAddress::Abstract(name) => {
            let mut path = vec![0];
            path.extend_from_slice(name);
            SockAddr::unix(OsStr::from_bytes(&path))
        }
    };
    made.map_err(|_| os(libc::ENAMETOOLONG))
}

pub(super) fn os(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

/// The text that [`super::Listener::endpoint`] would show for a tcp endpoint to
/// bind with an explicit port; `None` if it does not resolve.
pub fn resolved_text(endpoint: &Endpoint, options: &StreamOptions) -> Option<Vec<u8>> {
    let Endpoint::Tcp(address) = endpoint else {
        return None;
    };
    let ipv6 = options.ipv6 && resolver::has_ipv6();
    let address = bind_route(address.route().ok()?, ipv6).ok()?;
    Some(super::name::endpoint_text(&address))
}
