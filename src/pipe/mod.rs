//! Pipes: two queues of messages between two ends, with high-water marks, multipart atomicity and
//! termination.
//!
//! One end belongs to a socket, the other to a connection or, over inproc, to another socket. Each
//! end is used by one thread at a time, under the lock of its owner; the two ends share only what
//! is in [`queue`] and [`channel::Channel`].
//!
//! Two handshakes keep wake-ups from being lost, each a Dekker of a store, a SeqCst fence and a
//! load of the other side's flag. The fences order them; the accesses are Relaxed. The models are in
//! `models.rs`.
//! - The reader runs dry: it sets `reader_asleep`, fence, rechecks the published count. The writer
//!   publishes, then loads `reader_asleep`; if set, it clears it and sends [`event::READ`]. Here the
//!   writer has no fence, but a SeqCst exchange and a SeqCst load, which cost less; in a stream its
//!   fence is asymmetric, see [`channel::Channel::weak`].
//! - The writer finds the pipe full: it sets `writer_asleep`, fence, rechecks the count of messages
//!   read and the limit. The reader stores that count at each low-water mark, and either side a new
//!   limit, fence, then loads `writer_asleep`; if set, it clears it and sends [`event::WRITE`].
//!
//! An event is a bit of the other end and, if it is the first, a call of that end's [`Listener`].
//! There is no other wake-up.

mod channel;
mod end;
pub mod event;
mod incoming;
mod item;
mod ledger;
mod parts;
mod peer;
mod queue;
mod read;
mod table;
mod write;

pub use channel::Hwm;
pub use end::{PipeEnd, pair};
pub use event::Listener;
pub use incoming::{Bare, Incoming, Reading};
pub use parts::Frame;
pub use table::{PipeId, Pipes};

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod models;
