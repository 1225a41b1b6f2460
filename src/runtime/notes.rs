//! What a socket does with the notes of its pattern: pipes are closed, and the
//! log is told of messages that go nowhere; and what else it tells the log.

#![forbid(unsafe_code)]

use super::socket::Socket;
use crate::error::Result;
use crate::pattern::Note;
use crate::sys::cancel::Shield;
use crate::sys::log::{Level, Who, enabled, log};
use crate::zmtp::SocketType;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The log hears of dropped messages that often at most, with a count.
const INTERVAL: Duration = Duration::from_secs(1);

/// Notes of one kind since the log heard of the last.
#[derive(Default)]
struct Tally {
    count: u64,
    told: Option<Instant>,
}

/// What a socket has dropped, by the reason.
#[derive(Default)]
pub(super) struct Drops {
    full: Tally,
    unroutable: Tally,
}

/// A name in the log for a new socket.
pub(super) fn who(socket_type: i32) -> Who {
    static SOCKETS: AtomicU32 = AtomicU32::new(0);
    let kind = u8::try_from(socket_type).ok();
    let kind = kind.and_then(SocketType::from_number);
    Who {
        kind: kind.map_or("socket", SocketType::name),
        number: SOCKETS.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
    }
}

impl Socket {
    #[cold]
    pub(super) fn act_on_notes(&mut self) {
        let _shield = Shield::new();
        while let Some(note) = self.notes.pop() {
            match note {
                Note::Close(pipe) => self.detach(pipe),
                other if enabled(Level::Warn) => self.count(other),
                _ => {}
            }
        }
    }

    fn count(&mut self, note: Note) {
        let Some(tally) = self.tally(note) else {
            return;
        };
        tally.count += 1;
        let now = Instant::now();
        if tally.told.is_none_or(|told| now - told >= INTERVAL) {
            tally.told = Some(now);
            self.tell_drops(note);
        }
    }

    fn tally(&mut self, note: Note) -> Option<&mut Tally> {
        match note {
            Note::Close(_) => None,
            Note::Full => Some(&mut self.drops.full),
            Note::Unroutable => Some(&mut self.drops.unroutable),
        }
    }

    fn tell_drops(&mut self, note: Note) {
        let count = match self.tally(note) {
            Some(tally) if tally.count > 0 => std::mem::take(&mut tally.count),
            _ => return,
        };
        let (who, hwm) = (self.shared.who, self.options.sndhwm);
        match note {
            Note::Close(_) => {}
            Note::Full => log!(
                Warn,
                who,
                "messages dropped: the queue of a peer is full, ZMQ_SNDHWM {hwm} ({count} times)"
            ),
            Note::Unroutable => log!(
                Warn,
                who,
                "messages dropped: no peer has this routing id ({count} times)"
            ),
        }
    }

    /// Sets an option and tells of it, but not its value, which may be secret.
    pub(super) fn set_option_and_tell(&mut self, option: i32, value: Option<&[u8]>) -> Result<()> {
        let (who, result) = (self.shared.who, self.set_option(option, value));
        match result {
            Ok(()) => log!(Trace, who, "option {option} is set"),
            Err(error) => log!(Warn, who, "option {option} is refused: {error}"),
        }
        result
    }

    /// What was counted and not told.
    pub(super) fn tell_last_drops(&mut self) {
        for note in [Note::Full, Note::Unroutable] {
            self.tell_drops(note);
        }
    }
}
