//! The values behind the decisions: unit, meaning, and what was measured. docs/tuning.md has
//! the measurements.

#![forbid(unsafe_code)]

use std::time::Duration;

/// How long a wait spins. An answer from another process takes about this long if that
/// process sleeps, and a tenth of it if that process spins too.
pub const SPIN: Duration = Duration::from_micros(50);
/// Spin credit of a new socket: failed spins until its waits no longer begin with one.
pub const CREDIT_START: i32 = 4;
/// Upper bound of the spin credit, reached by successes.
pub const CREDIT_MAX: i32 = 8;
/// Without credit, one wait in this many still spins, as a probe.
pub const PROBE_EVERY: i32 = 16;

/// A `sched_yield` of this length or more means an oversubscribed CPU, where a thread that
/// sleeps runs again sooner than one that spins. The socket's waits then do not spin for
/// the back-off time: [`BACKOFF_MIN`], doubled each time up to [`BACKOFF_MAX`].
pub const OVERSUBSCRIBED: Duration = Duration::from_millis(2);
/// See [`OVERSUBSCRIBED`].
pub const BACKOFF_MIN: Duration = Duration::from_millis(5);
/// See [`OVERSUBSCRIBED`]. Longer ones make waits slow for good after one bad moment.
pub const BACKOFF_MAX: Duration = Duration::from_millis(100);

/// On an oversubscribed CPU a wait sleeps on the streams themselves for this long; in a longer
/// wait the I/O thread is the cheaper watcher.
pub const STREAM_SLEEP: Duration = Duration::from_millis(10);
/// Spurious wake-ups in such a sleep until it ends.
pub const STREAM_SLEEP_WAKES: usize = 8;

/// How long the receiver of a stream lets messages batch before it takes them: inproc 8 B,
/// 8 to 13 M messages a second.
pub const RECEIVE_BATCHING: Duration = Duration::from_micros(2);
/// How long an I/O thread lets scheduled work batch: it belongs to streams of messages, and a
/// few large writes cost less than many small ones. 20 and 40 us bring nothing more.
pub const SEND_BATCHING: Duration = Duration::from_micros(10);
/// Interval of an I/O thread's checks for output that a sending thread has left.
pub const FLUSH_CHECK: Duration = Duration::from_micros(50);
/// Interval at which an I/O thread checks whether a connection is still caller-driven.
pub const TICK: Duration = Duration::from_millis(1);
/// Idle time after which an I/O thread registers the process for membarrier, which takes
/// milliseconds in a process with several threads.
pub const MEMBARRIER_IDLE: Duration = Duration::from_millis(20);

/// Sends less than this apart, with nothing received in between, are a stream: the messages
/// are batched in the pipe. The sending thread writes each full batch, the I/O thread the
/// last one.
pub const STREAM_GAP: Duration = Duration::from_micros(100);
/// A fan-out of one message to at most this many connections is written by the sending
/// thread; wake-ups of more connections in one run count as a stream. 16 copies of a message
/// are written sooner than an I/O thread wakes up, 100 are not.
pub const COPIES: u32 = 32;

/// Time that a sending thread may spend on a long message while the stream is full, and
/// the time that each byte written meanwhile adds to it.
pub const RETRY_BUDGET: Duration = Duration::from_micros(500);
/// See [`RETRY_BUDGET`]: a peer that reads a GB a second keeps the thread.
pub const RETRY_BUDGET_PER_BYTE: Duration = Duration::from_nanos(1);

/// Shortest interval between reads of the streams by calls that do not wait, in ticks of the
/// processor's clock (1 to 2 us).
pub const STREAM_CHECK_TICKS: u64 = 4096;
/// Receives after which the mailbox is checked even if the pipes have messages: libzmq's
/// number.
pub const MAIL_EVERY: u32 = 100;
/// Such checks of the mailbox after which a receive is a cancellation point, even if the
/// thread never has to wait.
pub const CANCEL_EVERY: u32 = 10;

// Sizes, in bytes.

/// A write is made at this many bytes, or when the pipe is drained.
pub const WRITE_BATCH: usize = 64 * 1024;

/// Longer bodies are written from their own memory instead of being copied.
pub const COPY_MAX: usize = 8 * 1024;

/// At least this many bytes of frames are written from the pipe's memory. Fewer are copied,
/// to share a write with what follows.
pub const DIRECT_MIN: usize = 8 * 1024;

/// Buffers above this capacity are freed instead of kept for reuse.
pub const WRITE_BUFFER_MAX: usize = 4 * WRITE_BATCH;

/// Capacity of a read block, in bytes.
pub const READ_BLOCK: usize = 64 * 1024;

/// A block with less room is replaced before the next read, in bytes.
pub const READ_ROOM_MIN: usize = 16 * 1024;

/// An incomplete frame longer than this is read into memory of its own, in bytes.
pub const LONG_BODY: usize = 8 * 1024;

/// While at least this many bytes of a body have yet to arrive, polling the stream is a
/// waste: the sender needs longer for them than a sleep takes.
pub const MUCH_MISSING: usize = 512 * 1024;

/// A wake-up for a long body waits for this many bytes: each costs both sides as much as copying
/// a tenth of them.
pub const LOW_WATER: u32 = 128 * 1024;

/// Up to this many bytes of an incomplete frame are copied so that the block can be
/// returned.
pub const PARTIAL_MAX: usize = 2 * 1024;

/// Most reads in one drive, so that one busy peer does not starve the others.
pub const READS_PER_DRIVE: usize = 16;

/// The kernel's send queue for long messages to a peer on this machine. The kernel takes twice
/// as much and counts its own structures in it. Several MiB would leave the caches.
pub const SEND_QUEUE: usize = 256 * 1024;

/// Bytes written, each message counting [`MESSAGE_COST`] more, after which the writer calls
/// has its messages sent (`pipe::Listener::pipe_filling`).
pub const PIPE_BATCH: usize = 64 * 1024;

/// What a message costs beside its bytes. With less, a stream of 64-byte messages is written in
/// larger pieces, and a publisher comes so near its high-water marks that it drops.
pub const MESSAGE_COST: usize = 64;
