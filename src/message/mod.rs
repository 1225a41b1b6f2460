//! Messages: the 64 bytes of a `zmq_msg_t` and the representations of a body.
//!
//! | kind | body | made by |
//! | --- | --- | --- |
//! | inline | up to [`INLINE_MAX`] bytes in the struct itself | small sends and receives |
//! | heap | one allocation: count and bytes | `zmq_msg_init_size`, large receives |
//! | user | the caller's buffer and its free function, counted | `zmq_msg_init_data` |
//! | constant | the caller's buffer, never freed | `zmq_send_const`, no free function |
//! | slice | part of a [`Block`] shared with other messages | receive buffers, runs of frames |
//!
//! Moving a [`Msg`] moves 64 bytes. A body of the heap, user and slice kinds is counted, so that
//! [`Msg::share`] (`zmq_msg_copy`) copies no bytes. A message belongs to one thread at a time; only
//! the counts are shared.

mod block;
mod body;
mod c_memory;
pub(crate) mod copy;
mod filling;
pub mod frame;
mod group;
mod kept;
mod loan;
mod marks;
mod metadata;
mod msg;
mod outgoing;
mod ownership;
mod recycle;
mod released;
mod run;
pub(crate) mod usage;

pub use block::Block;
pub use filling::Filling;
pub use group::GROUP_MAX;
pub use loan::Lender;
pub use metadata::Metadata;
pub use msg::{INLINE_MAX, Msg, flag};
pub use outgoing::{Body, Outgoing};
pub use recycle::lock_over_fork as lock_spare_memory;
pub use released::run_released;
pub use run::Run;
pub use run::reader::{FrameReader, Taken};
pub use run::scan::Received;
pub use run::writer::{FrameWriter, Place};

/// Frees the memory that is kept for later. Called when the process ends.
pub fn end() {
    usage::MEMORY.end();
    usage::MEMORY.forget();
}

#[cfg(test)]
mod tests;
