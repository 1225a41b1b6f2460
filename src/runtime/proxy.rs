//! Proxies: moving messages between two sockets until something ends it.

#![forbid(unsafe_code)]

use super::poll::{Item, poll};
use super::socket::{self, DONTWAIT, POLLIN, POLLOUT, SNDMORE};
use crate::error::{Error, Result};

/// Messages moved in one direction before the other has its turn.
const BURST: usize = 1000;

/// What went through one side of a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Parts received, and their bytes.
    pub received: (u64, u64),
    /// Parts sent, and their bytes.
    pub sent: (u64, u64),
}

/// A running proxy: handles' addresses, and its counts.
pub struct Proxy {
    frontend: usize,
    backend: usize,
    capture: Option<usize>,
    /// Traffic of the frontend.
    pub front: Traffic,
    /// Traffic of the backend.
    pub back: Traffic,
}

impl Proxy {
    /// A proxy between two sockets (which may be the same), with a copy of
    /// everything for `capture`.
    pub fn new(frontend: usize, backend: usize, capture: Option<usize>) -> Proxy {
        Proxy {
            frontend,
            backend,
            capture,
            front: Traffic::default(),
            back: Traffic::default(),
        }
    }

    /// Moves messages until an error ends it, which it returns: usually
    /// [`Error::Term`].
    pub fn run(&mut self) -> Error {
        loop {
            if let Err(error) = self.step(&[], &mut []) {
                return error;
            }
        }
    }

    /// Waits for something to move or for one of the `extra` items, and moves
    /// it. `extra_ready` gets the events of `extra`.
    ///
    /// A side is read only while the other one can take a message.
    pub fn step(&mut self, extra: &[Item], extra_ready: &mut [i16]) -> Result<()> {
        let same = self.frontend == self.backend;
        let in_front = socket::ready(self.frontend, POLLIN | POLLOUT)?;
        let in_back = if same {
            in_front
        } else {
            socket::ready(self.backend, POLLIN | POLLOUT)?
        };
        let forward = in_front & POLLIN != 0 && (same || in_back & POLLOUT != 0);
        let backward = !same && in_back & POLLIN != 0 && in_front & POLLOUT != 0;
        if forward {
            self.forward(true)?;
        }
        if backward {
            self.forward(false)?;
        }
        // Wait only for what is missing, so as not to spin on what is there.
        let missing = |ready: i16, other: i16| match (ready & POLLIN != 0, other & POLLOUT != 0) {
            (false, _) => (POLLIN, 0),
            (true, false) => (0, POLLOUT),
            (true, true) => (0, 0),
        };
        let (front_in, back_out, back_in, front_out) = if same {
            (POLLIN, 0, 0, 0)
        } else {
            let (front_in, back_out) = missing(in_front, in_back);
            let (back_in, front_out) = missing(in_back, in_front);
            (front_in, back_out, back_in, front_out)
        };
        let timeout = if forward || backward { 0 } else { -1 };
        let mut items = vec![
            Item::Socket(self.frontend, front_in | front_out),
            Item::Socket(self.backend, back_in | back_out),
        ];
        items.extend_from_slice(extra);
        let mut ready = vec![0; items.len()];
        if timeout < 0 || !extra.is_empty() {
            poll(&items, &mut ready, timeout)?;
        }
        extra_ready.copy_from_slice(&ready[2..]);
        Ok(())
    }

    fn forward(&mut self, to_back: bool) -> Result<()> {
        let (from, to) = match to_back {
            true => (self.frontend, self.backend),
            false => (self.backend, self.frontend),
        };
        for _ in 0..BURST {
            loop {
                let mut msg = match socket::recv(from, DONTWAIT) {
                    Ok(msg) => msg,
                    Err(Error::Again) => return Ok(()),
                    Err(error) => return Err(error),
                };
                let (more, size) = (msg.more(), msg.len() as u64);
                let flags = if more { SNDMORE } else { 0 };
                if let Some(capture) = self.capture {
                    let copy = msg.share();
                    socket::send(capture, copy, flags).map_err(|(error, _)| error)?;
                }
                socket::send(to, msg, flags).map_err(|(error, _)| error)?;
                let (source, sink) = match to_back {
                    true => (&mut self.front, &mut self.back),
                    false => (&mut self.back, &mut self.front),
                };
                source.received.0 += 1;
                source.received.1 += size;
                sink.sent.0 += 1;
                sink.sent.1 += size;
                if !more {
                    break;
                }
            }
            if from != to && socket::ready(to, POLLOUT)? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }
}
