//! `ZMQ_LOG`: a log of the library's events on stderr.
//!
//! One line per event, `zmq <level> <seconds> [<origin>] <text>`, written by one
//! system call, so that lines of several threads do not interleave. When it is off,
//! a call site costs one relaxed load. When it is on, it takes no lock, allocates
//! nothing and never blocks: lines that stderr does not accept at once are dropped and
//! counted. So it may be used under any lock, in a forked child and at exit. Control
//! characters in peers' texts are replaced; credentials, keys and messages are never
//! logged.

use super::unix::signals::without_sigpipe;
use super::{last_errno, set_errno};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The severity of a line; a level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// An internal error, or an operation that the library has to abandon.
    Error = 1,
    /// A peer or the application is not served as it may expect.
    Warn,
    /// Connections are made and lost.
    Info,
    /// The steps of making and losing connections.
    Debug,
    /// Everything else, such as heartbeats.
    Trace,
}

/// The levels' names, indexed by their numbers; 0 is no level.
const NAMES: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

const OFF: u8 = 0;
/// `ZMQ_LOG` has not been read yet. Above all levels, so that one comparison
/// excludes a disabled level in the common case.
const UNREAD: u8 = u8::MAX;

/// The level. Relaxed everywhere: no other memory is published by it.
static LEVEL: AtomicU8 = AtomicU8::new(UNREAD);

/// The file that stderr was at the time of [`start`], see [`may_write`]; 0: closed.
static STDERR_DEVICE: AtomicU64 = AtomicU64::new(0);
static STDERR_INODE: AtomicU64 = AtomicU64::new(0);

/// Lines that stderr has not accepted since the last one that it has.
static LOST: AtomicU32 = AtomicU32::new(0);

/// Most lines in one second up to level `info`; from `debug` on there is no limit.
const LINES_PER_SECOND: u64 = 100;
/// The current second (upper half) and the number of lines in it (lower half).
static BUDGET: AtomicU64 = AtomicU64::new(0);

/// Most bytes in a line, the newline included.
const LINE: usize = 1024;

/// The object that an event belongs to: its kind and its number, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A socket type, or `context`.
    pub kind: &'static str,
    /// Unique in the process within the kind; 0 is not printed.
    pub number: u32,
}

impl Origin {
    /// The origin of events that belong to no socket and no context.
    pub const LIBRARY: Origin = Origin {
        kind: "library",
        number: 0,
    };
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => write!(f, "[{}]", self.kind),
            number => write!(f, "[{} #{number}]", self.kind),
        }
    }
}

/// Bytes that are expected to be UTF-8; prints `?` for those that are not.
pub struct Text<'a>(pub &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_char('?')?;
            }
        }
        Ok(())
    }
}

/// `log!(Info, origin, "text {}", argument)` logs a line if the level is enabled; the
/// arguments are evaluated only then.
macro_rules! log {
    ($level:ident, $origin:expr, $($text:tt)+) => {
        if $crate::sys::log::enabled($crate::sys::log::Level::$level) {
            $crate::sys::log::write($crate::sys::log::Level::$level, $origin, format_args!($($text)+));
        }
    };
}
pub(crate) use log;

/// Whether lines of this level are logged.
#[inline]
pub fn enabled(level: Level) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed) && is_wanted(level)
}

#[cold]
fn is_wanted(level: Level) -> bool {
    start();
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

/// Reads `ZMQ_LOG`, once in the life of the process. An unknown value is logged and
/// means off.
pub fn start() {
    if LEVEL.load(Ordering::Relaxed) != UNREAD {
        return;
    }
    if let Some((device, inode, _)) = stderr() {
        STDERR_DEVICE.store(device, Ordering::Relaxed);
        STDERR_INODE.store(inode, Ordering::Relaxed);
    }
    let value = std::env::var_os("ZMQ_LOG");
    let value = value.as_ref().map(|value| value.as_encoded_bytes());
    let found = read_level(value.unwrap_or_default());
    let level = found.unwrap_or(OFF);
    let order = Ordering::Relaxed;
    let first = LEVEL.compare_exchange(UNREAD, level, order, order).is_ok();
    if let (true, None) = (first, found) {
        let value = Text(value.unwrap_or_default());
        write(
            Level::Error,
            Origin::LIBRARY,
            format_args!("ZMQ_LOG={value} is none of error, warn, info, debug, trace"),
        );
    }
}

/// The number of the level, 0 for the empty text; `None` if the name is unknown.
fn read_level(value: &[u8]) -> Option<u8> {
    let known = |name: &&str| name.as_bytes().eq_ignore_ascii_case(value);
    match value {
        [] => Some(OFF),
        _ => NAMES.iter().position(known).map(|place| place as u8),
    }
}

/// Writes a line regardless of the level, which [`log!`] has checked. Keeps `errno`.
#[cold]
pub fn write(level: Level, origin: Origin, text: fmt::Arguments<'_>) {
    let errno = last_errno();
    start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let stamp = (now.as_secs(), now.subsec_micros());
    if let Some(left_out) = admit(now.as_secs()) {
        let lost = LOST.swap(0, Ordering::Relaxed);
        let missing = left_out.saturating_add(lost);
        if missing > 0 {
            let line = Line::new(
                Level::Warn,
                stamp,
                Origin::LIBRARY,
                format_args!("{missing} lines were left out before this one"),
            );
            if !put(line.bytes()) {
                LOST.fetch_add(missing, Ordering::Relaxed);
            }
        }
        if !put(Line::new(level, stamp, origin, text).bytes()) {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }
    set_errno(errno);
}

/// Counts a line. `None` if the limit of this second is exceeded; otherwise the number
/// of lines dropped in the previous second that had lines.
fn admit(second: u64) -> Option<u32> {
    let second = second & u64::from(u32::MAX);
    let limit = match LEVEL.load(Ordering::Relaxed) >= Level::Debug as u8 {
        true => u64::from(u32::MAX) - 1,
        false => LINES_PER_SECOND,
    };
    let mut left_out = 0;
    let result = BUDGET.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |budget| {
        let (present, lines) = (budget >> 32, budget & u64::from(u32::MAX));
        if present == second {
            left_out = 0;
            // Lines beyond the limit are counted, to be reported later.
            return Some(second << 32 | (lines + 1).min(u64::from(u32::MAX)));
        }
        left_out = lines.saturating_sub(limit);
        Some(second << 32 | 1)
    });
    let before = result.unwrap_or_default();
    let fits = before >> 32 != second || (before & u64::from(u32::MAX)) < limit;
    fits.then_some(left_out as u32)
}

/// A buffer for one line; a text that is too long is truncated.
struct Line {
    bytes: [u8; LINE],
    length: usize,
}

impl Line {
    fn new(level: Level, stamp: (u64, u32), origin: Origin, text: fmt::Arguments<'_>) -> Line {
        let mut line = Line {
            bytes: [0; LINE],
            length: 0,
        };
        let name = NAMES[level as usize];
        // The only error is that the line is full: it is truncated.
        let _ = write!(
            line,
            "zmq {name} {}.{:06} {origin} {text}",
            stamp.0, stamp.1
        );
        line.bytes[line.length] = b'\n';
        line.length += 1;
        line
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            let letter = if letter.is_control() { '?' } else { letter };
            let end = self.length + letter.len_utf8();
            // One byte is reserved for the newline.
            let room = self.bytes[..LINE - 1].get_mut(self.length..end);
            letter.encode_utf8(room.ok_or(fmt::Error)?);
            self.length = end;
        }
        Ok(())
    }
}

/// Device, inode and file type of descriptor 2; `None` if it is closed.
fn stderr() -> Option<(u64, u64, libc::mode_t)> {
    // SAFETY: fstat fills the structure, which is plain data, or fails.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        if libc::fstat(libc::STDERR_FILENO, &mut stat) != 0 {
            return None;
        }
        let kind = stat.st_mode & libc::S_IFMT;
        #[allow(clippy::unnecessary_cast)] // not the same types everywhere
        Some((stat.st_dev as u64, stat.st_ino as u64, kind))
    }
}

/// The file type of descriptor 2, if it may be written to. A program may have closed
/// stderr, so that the number now belongs to another file, even to a socket of the
/// library. Invariant: nothing is written if stderr was closed at [`start`]; a regular
/// file, terminal or pipe is accepted even if it has replaced stderr since, a socket
/// only if it is the same one.
fn may_write() -> Option<libc::mode_t> {
    let (device, inode, kind) = stderr()?;
    let known = STDERR_INODE.load(Ordering::Relaxed);
    let same = (device, inode) == (STDERR_DEVICE.load(Ordering::Relaxed), known);
    match kind {
        libc::S_IFREG | libc::S_IFCHR | libc::S_IFIFO => (known != 0).then_some(kind),
        _ => (known != 0 && same && kind == libc::S_IFSOCK).then_some(kind),
    }
}

/// Writes without blocking and without raising a signal. False if not all was written.
fn put(line: &[u8]) -> bool {
    let _shield = super::cancel::Shield::new();
    let count = match may_write() {
        None => return false,
        Some(libc::S_IFSOCK) => without_sigpipe(|| {
            let (fd, flags) = (libc::STDERR_FILENO, libc::MSG_DONTWAIT);
            // SAFETY: the pointer and length are those of `line`.
            unsafe { libc::send(fd, line.as_ptr().cast(), line.len(), flags) }
        }),
        Some(_) => write_now(line),
    };
    usize::try_from(count) == Ok(line.len())
}

/// Writes to a descriptor that may be in blocking mode, if it is writable. A writable
/// pipe accepts at least a page, which is more than a line, so the write does not block.
fn write_now(line: &[u8]) -> isize {
    let mut poll = [libc::pollfd {
        fd: libc::STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    }];
    if super::poll(&mut poll, 0).unwrap_or(0) == 0 || poll[0].revents & libc::POLLOUT == 0 {
        return -1;
    }
    // SAFETY: the pointer and length are those of `line`.
    without_sigpipe(|| unsafe {
        libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let origin = Origin {
            kind: "DEALER",
            number: 3,
        };
        let line = Line::new(Level::Info, (17, 42), origin, format_args!("{text}"));
        String::from_utf8(line.bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_line_says_when_who_and_what() {
        assert_eq!(line("x"), "zmq info 17.000042 [DEALER #3] x\n");
    }

    #[test]
    fn nobody_forges_a_line() {
        let text = line("a\nzmq error\u{1b}[2J\u{9b}b");
        assert_eq!(text, "zmq info 17.000042 [DEALER #3] a?zmq error?[2J?b\n");
        assert_eq!(Text(b"a\xff\xfeb\xc3\xa9").to_string(), "a??b\u{e9}");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        for letter in ["x", "\u{e9}", "\u{20ac}"] {
            let text = line(&letter.repeat(2000));
            assert!(text.ends_with('\n') && text.len() <= LINE);
            assert!(text.len() > LINE - 4);
        }
    }

    #[test]
    fn levels_have_names() {
        assert_eq!(read_level(b""), Some(OFF));
        assert_eq!(read_level(b"off"), Some(OFF));
        assert_eq!(read_level(b"error"), Some(Level::Error as u8));
        assert_eq!(read_level(b"TRACE"), Some(Level::Trace as u8));
        assert_eq!(read_level(b"loud"), None);
        assert_eq!(read_level(b"1"), None);
    }
}
