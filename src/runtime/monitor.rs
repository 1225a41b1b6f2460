//! Socket monitors: events as messages, for a PAIR socket to read.
//!
//! A monitor is no socket: it holds one end of a pipe, whose other end belongs to the
//! socket that connected to its inproc name, before or after the monitor was made. The
//! monitor queues events until then. Connections [`emit`](Monitor::emit) events from any
//! thread, under the socket's monitor lock and the lock of the output, and never block: if
//! the queue or the pipe is full, the event is dropped and the socket counts it.

#![forbid(unsafe_code)]

use crate::connection::Event;
use crate::connection::event::kind;
use crate::message::{Msg, flag};
use crate::pipe::PipeEnd;
use crate::sync::Mutex;
use std::sync::Arc;

/// Events that are queued for a reader: the sum of libzmq's two default HWMs.
const CAPACITY: usize = 2000;
/// The monitor's share of the pipe's HWMs, libzmq's default.
pub const HWM: i32 = 1000;

/// The destination of events.
enum Output {
    /// A queue, while there is no reader yet.
    Waiting(Vec<Event>),
    /// The pipe to the socket that reads.
    Reader(Box<PipeEnd>),
}

/// See the module.
pub struct Monitor {
    name: Vec<u8>,
    mask: u32,
    output: Mutex<Output>,
}

impl Monitor {
    /// A monitor of the events in `mask`, to be bound to the inproc name `name`.
    pub fn new(name: Vec<u8>, mask: u32) -> Arc<Monitor> {
        Arc::new(Monitor {
            name,
            mask,
            output: Mutex::new(Output::Waiting(Vec::new())),
        })
    }

    /// The inproc name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Takes the pipe of a socket that connects. One reader at a time is kept, and the
    /// pipes of others are closed; after it has disconnected, the next one starts with new
    /// events.
    pub fn attach(&self, mut end: PipeEnd) {
        let mut output = self.output.lock();
        match &mut *output {
            _ if end.is_peer_closed() => return,
            Output::Reader(reader) if !reader.is_peer_closed() => return,
            Output::Reader(_) => {}
            Output::Waiting(events) => {
                // Beyond the HWM: the queue was bounded by the same number.
                for [head, text] in events.iter().filter_map(frames) {
                    end.write_unchecked(head);
                    end.write_unchecked(text);
                }
                end.flush();
            }
        }
        *output = Output::Reader(Box::new(end));
    }

    /// Sends an event if it is in the mask. False if there is no room for it.
    pub fn emit(&self, event: &Event) -> bool {
        if event.kind & self.mask == 0 {
            return true;
        }
        match &mut *self.output.lock() {
            Output::Waiting(events) => {
                let room = events.len() < CAPACITY;
                if room {
                    events.push(event.clone());
                }
                room
            }
            Output::Reader(end) => {
                // `check_write` grants room for a whole message, never for a part of one.
                let frames = frames(event).filter(|_| end.check_write());
                let room = frames.is_some();
                for frame in frames.into_iter().flatten() {
                    end.write_unchecked(frame);
                }
                end.flush();
                room
            }
        }
    }

    /// Emits the last event and closes the pipe.
    pub fn stop(&self) {
        self.emit(&Event {
            kind: kind::MONITOR_STOPPED,
            value: 0,
            endpoint: Vec::new(),
        });
        if let Output::Reader(end) = &mut *self.output.lock() {
            end.close();
        }
    }
}

/// The message of an event. `None` without memory.
fn frames(event: &Event) -> Option<[Msg; 2]> {
    let mut head = [0; 6];
    // The public layout has 16 and 32 bits, which hold all values.
    head[..2].copy_from_slice(&(event.kind as u16).to_ne_bytes());
    head[2..].copy_from_slice(&(event.value as u32).to_ne_bytes());
    let text = Msg::copy_from(&event.endpoint).ok()?;
    Some([Msg::inline(&head).with(flag::MORE), text])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{self, Hwm};

    fn event(kind: u32) -> Event {
        Event {
            kind,
            value: 7,
            endpoint: b"tcp://x".to_vec(),
        }
    }

    /// The ends of the monitor and of a reader with the default HWM.
    fn ends() -> (PipeEnd, PipeEnd) {
        let hwm = Hwm {
            snd: Some(HWM),
            rcv: Some(HWM),
        };
        pipe::pair(hwm, hwm, false)
    }

    fn read(reader: &mut PipeEnd) -> Option<u16> {
        let head = reader.read()?;
        assert!(head.more());
        assert_eq!(
            reader.read().map(|text| text.data().to_vec()),
            Some(b"tcp://x".to_vec())
        );
        Some(u16::from_ne_bytes([head.data()[0], head.data()[1]]))
    }

    #[test]
    fn events_wait_for_the_reader_and_are_dropped_whole_when_full() {
        let monitor = Monitor::new(b"m".to_vec(), kind::ACCEPTED);
        assert!(monitor.emit(&event(kind::CLOSED)));
        for _ in 0..CAPACITY {
            assert!(monitor.emit(&event(kind::ACCEPTED)));
        }
        assert!(!monitor.emit(&event(kind::ACCEPTED)));
        let (end, mut reader) = ends();
        monitor.attach(end);
        assert!(!monitor.emit(&event(kind::ACCEPTED)));
        for _ in 0..CAPACITY {
            assert_eq!(read(&mut reader), Some(kind::ACCEPTED as u16));
        }
        assert!(reader.read().is_none());
        for _ in 0..CAPACITY {
            assert!(monitor.emit(&event(kind::ACCEPTED)));
        }
        assert!(!monitor.emit(&event(kind::ACCEPTED)));
    }

    #[test]
    fn there_is_one_reader_at_a_time() {
        let monitor = Monitor::new(b"m".to_vec(), kind::ACCEPTED);
        monitor.emit(&event(kind::ACCEPTED));
        let (end, gone) = ends();
        drop(gone);
        monitor.attach(end);
        let (end, mut first) = ends();
        monitor.attach(end);
        let (end, second) = ends();
        monitor.attach(end);
        assert!(second.is_peer_closed() && !first.is_peer_closed());
        assert_eq!(read(&mut first), Some(kind::ACCEPTED as u16));
        drop(first);
        assert!(!monitor.emit(&event(kind::ACCEPTED)));
        let (end, mut third) = ends();
        monitor.attach(end);
        assert!(third.read().is_none());
        monitor.emit(&event(kind::ACCEPTED));
        assert_eq!(read(&mut third), Some(kind::ACCEPTED as u16));
    }
}
