//! The negotiation with a SOCKS proxy, between the connect and the greeting.

#![forbid(unsafe_code)]

use crate::options::Options;
use crate::sys::room::Room;
use crate::transport::{Address, Socks};
use std::io;

/// One negotiation with a proxy.
pub struct Tunnel {
    client: Socks,
    /// The proxy's next answer, of which `have` bytes have come.
    answer: Vec<u8>,
    have: usize,
}

impl Tunnel {
    /// A negotiation for a connection to `target`.
    ///
    /// Errors: `EINVAL` for an endpoint that cannot be expressed to a proxy.
    pub fn new(target: &dyn Address, options: &Options) -> io::Result<Tunnel> {
        let refused = || io::Error::from_raw_os_error(libc::EINVAL);
        let (host, port) = target.host_and_port().ok_or_else(refused)?;
        let (user, password) = (&options.socks_username, options.socks_password.expose());
        let client = Socks::new(host, port, user, password).map_err(|_| refused())?;
        Ok(Tunnel {
            client,
            answer: Vec::new(),
            have: 0,
        })
    }

    /// Bytes to send; empty while an answer is awaited.
    pub fn output(&self) -> &[u8] {
        self.client.output()
    }

    /// So many bytes of [`output`](Self::output) were sent.
    pub fn sent(&mut self, count: usize) {
        self.client.sent(count);
    }

    /// Room for the rest of the answer, and no more: what follows the last one is the peer's.
    pub fn room(&mut self) -> Room<'_> {
        self.answer.resize(self.client.wanted(), 0);
        let have = self.have.min(self.answer.len());
        Room::from(&mut self.answer[have..])
    }

    /// So many bytes were read into the [`room`](Self::room). True if the stream is a connection
    /// to the target now.
    ///
    /// Errors: the proxy refuses.
    pub fn received(&mut self, count: usize) -> Result<bool, ()> {
        self.have += count;
        if self.have < self.answer.len() {
            return Ok(false);
        }
        self.have = 0;
        self.client.advance(&self.answer).map_err(|_| ())
    }
}
