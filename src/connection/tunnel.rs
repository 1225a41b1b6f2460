//! The way through a SOCKS proxy: the negotiation before the greeting.

#![forbid(unsafe_code)]

use crate::endpoint::Endpoint;
use crate::options::Options;
use crate::transport::{ByteStream, Socks};
use std::io;

/// What a [`Tunnel`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Readable,
    Writable,
    /// The stream is a connection to the target now.
    Nothing,
}

/// One negotiation with a proxy.
pub(super) struct Tunnel {
    client: Socks,
    /// The answer as far as it is here.
    answer: Vec<u8>,
}

impl Tunnel {
    /// To `target`, a tcp endpoint. `EINVAL` for one that no proxy can be asked
    /// for.
    pub(super) fn new(target: &Endpoint, options: &Options) -> io::Result<Tunnel> {
        let refused = || io::Error::from_raw_os_error(libc::EINVAL);
        let Endpoint::Tcp(address) = target else {
            return Err(refused());
        };
        let to = &address.route().map_err(|_| refused())?.target;
        let (user, password) = (&options.socks_username, options.socks_password.expose());
        let client = Socks::new(&to.host, to.port, user, password).map_err(|_| refused())?;
        Ok(Tunnel {
            client,
            answer: Vec::new(),
        })
    }

    /// Goes as far as the stream lets it. Errors: the stream's, `EPIPE` if the
    /// proxy ends it, `ECONNREFUSED` if the proxy refuses.
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
