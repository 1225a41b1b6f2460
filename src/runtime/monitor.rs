//! Socket monitors: events as messages, for a PAIR socket to read.
//!
//! A monitor is no socket: it holds the writing end of a pipe, and whoever
//! connects to its inproc name gets the reading end. Events that come before
//! that wait in the pipe; when it is full they are dropped, and the socket counts
//! them. So a monitor that nobody reads holds up nothing.

#![forbid(unsafe_code)]

use super::socket;
use crate::connection::Event;
use crate::connection::event::kind;
use crate::endpoint::{Scheme, parse};
use crate::error::{Error, Result};
use crate::message::{Msg, flag};
use crate::pipe::{self, Hwm, PipeEnd};
use crate::sync::Mutex;
use std::sync::Arc;

/// Events that wait for a reader; libzmq's two default marks together.
const CAPACITY: i32 = 2000;

struct Ends {
    ours: PipeEnd,
    /// The reader's end until somebody connects.
    theirs: Option<PipeEnd>,
}

/// See the module.
pub struct Monitor {
    name: Vec<u8>,
    mask: u32,
    ends: Mutex<Ends>,
}

fn new_ends() -> Ends {
    let unlimited = Hwm {
        snd: Some(0),
        rcv: None,
    };
    let limited = Hwm {
        snd: Some(CAPACITY),
        rcv: None,
    };
    let (ours, theirs) = pipe::pair(limited, unlimited, false);
    Ends {
        ours,
        theirs: Some(theirs),
    }
}

impl Monitor {
    /// A monitor of the events in `mask`, to be bound at an inproc name.
    pub fn new(name: Vec<u8>, mask: u32) -> Arc<Monitor> {
        Arc::new(Monitor {
            name,
            mask,
            ends: Mutex::new(new_ends()),
        })
    }

    /// The inproc name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The reading end for a socket that connects. Of several only one at a
    /// time gets it; after it has gone, the next one starts with new events.
    pub fn take_end(&self) -> Option<PipeEnd> {
        let mut ends = self.ends.lock();
        if ends.theirs.is_none() && ends.ours.is_peer_closed() {
            *ends = new_ends();
        }
        ends.theirs.take()
    }

    /// Sends an event if it is in the mask. False if there is no room for it.
    pub fn emit(&self, event: &Event) -> bool {
        if event.kind & self.mask == 0 {
            return true;
        }
        let mut head = [0; 6];
        // The public layout has 16 and 32 bits; longer values never occur.
        head[..2].copy_from_slice(&(event.kind as u16).to_ne_bytes());
        head[2..].copy_from_slice(&(event.value as u32).to_ne_bytes());
        let mut ends = self.ends.lock();
        let Ok(text) = Msg::copy_from(&event.endpoint) else {
            return false;
        };
        let head = Msg::inline(&head).with(flag::MORE);
        if ends.ours.write(head).is_err() {
            return false;
        }
        // There is room for whole messages: never for half of one.
        ends.ours.write_unchecked(text);
        ends.ours.flush();
        true
    }

    /// The last event, and the end of the pipe.
    pub fn stop(&self) {
        self.emit(&Event {
            kind: kind::MONITOR_STOPPED,
            value: 0,
            endpoint: Vec::new(),
        });
        self.ends.lock().ours.close();
    }
}

/// `zmq_socket_monitor`: from now on events in `mask` go to whoever connects to
/// the inproc endpoint, or nowhere with `None`. [`Error::Invalid`],
/// [`Error::ProtoNotSupported`] for another transport, [`Error::AddrInUse`].
pub fn watch(address: usize, endpoint: Option<&[u8]>, mask: u32) -> Result<()> {
    socket::with(address, |socket| {
        let Some(text) = endpoint else {
            socket.shared.set_monitor(None);
            return Ok(());
        };
        let (scheme, name) = parse::split(text)?;
        if scheme != Scheme::Inproc {
            return Err(Error::ProtoNotSupported);
        }
        socket.shared.set_monitor(None);
        let monitor = Monitor::new(name.to_vec(), mask);
        socket.core.inproc.bind_monitor(name, monitor.clone())?;
        socket.shared.set_monitor(Some(monitor));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u32) -> Event {
        Event {
            kind,
            value: 7,
            endpoint: b"tcp://x".to_vec(),
        }
    }

    #[test]
    fn events_wait_for_the_reader_and_are_dropped_whole_when_full() {
        let monitor = Monitor::new(b"m".to_vec(), kind::ACCEPTED);
        assert!(monitor.emit(&event(kind::CLOSED)));
        for _ in 0..CAPACITY {
            assert!(monitor.emit(&event(kind::ACCEPTED)));
        }
        assert!(!monitor.emit(&event(kind::ACCEPTED)));
        let mut reader = monitor.take_end().unwrap();
        assert!(monitor.take_end().is_none());
        for _ in 0..CAPACITY {
            let head = reader.read().unwrap();
            assert!(head.more());
            assert_eq!(head.data()[..2], (kind::ACCEPTED as u16).to_ne_bytes());
            assert_eq!(reader.read().unwrap().data(), b"tcp://x");
        }
        assert!(reader.read().is_none());
        drop(reader);
        assert!(monitor.take_end().is_some());
    }
}
