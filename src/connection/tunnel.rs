//! The negotiation with a SOCKS proxy, between the connect and the greeting.

#![forbid(unsafe_code)]

use crate::options::Options;
use crate::transport::{Address, ByteStream, Socks};
use std::io;

/// What a [`Tunnel`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Readable,
    Writable,
    /// The stream is a connection to the target now.
    Nothing,
}

/// One negotiation with a proxy. Driven under the connection's lock; never blocks.
pub(super) struct Tunnel {
    client: Socks,
    /// The part of the proxy's answer that has been read.
    answer: Vec<u8>,
}

impl Tunnel {
    /// A negotiation for a connection to `target`.
    ///
    /// Errors: `EINVAL` for an endpoint that cannot be expressed to a proxy.
    pub(super) fn new(target: &dyn Address, options: &Options) -> io::Result<Tunnel> {
        let refused = || io::Error::from_raw_os_error(libc::EINVAL);
        let (host, port) = target.host_and_port().ok_or_else(refused)?;
        let (user, password) = (&options.socks_username, options.socks_password.expose());
        let client = Socks::new(host, port, user, password).map_err(|_| refused())?;
        Ok(Tunnel {
            client,
            answer: Vec::new(),
        })
    }

    /// Proceeds until the stream would block, or the tunnel is open.
    ///
    /// Errors: the stream's; `EPIPE` if the proxy closes it, `ECONNREFUSED` if the proxy
    /// refuses.
    pub(super) fn drive(&mut self, stream: &ByteStream) -> io::Result<Wait> {
        loop {
            while !self.client.output().is_empty() {
                match stream.write(self.client.output()) {
                    Ok(count) => self.client.sent(count),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Ok(Wait::Writable);
                    }
                    Err(error) => return Err(error),
                }
            }
            let (have, wanted) = (self.answer.len(), self.client.wanted());
            self.answer.resize(wanted, 0);
            let result = stream.read(&mut self.answer[have..]);
            self.answer.truncate(have + *result.as_ref().unwrap_or(&0));
            match result {
                Ok(0) => return Err(io::Error::from_raw_os_error(libc::EPIPE)),
                Ok(_) if self.answer.len() < wanted => {}
                Ok(_) => {
                    let refused = |_| io::Error::from_raw_os_error(libc::ECONNREFUSED);
                    if self.client.advance(&self.answer).map_err(refused)? {
                        return Ok(Wait::Nothing);
                    }
                    self.answer.clear();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Wait::Readable);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
