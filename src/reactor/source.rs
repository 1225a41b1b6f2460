//! What an I/O thread calls: a source, why, and what it asks for in return.

#![forbid(unsafe_code)]

use std::sync::Arc;

/// Name of a source within its reactor.
pub type Key = usize;
/// Why a source is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The descriptor is readable, or failed.
    pub readable: bool,
    /// The descriptor is writable, or failed.
    pub writable: bool,
    /// The timer is due.
    pub timer: bool,
    /// `Reactor::schedule` was called.
    pub scheduled: bool,
    /// The source asked for this with [`After::tick`].
    pub tick: bool,
    /// The source asked for this with [`After::flush_check`].
    pub flush_check: bool,
}

/// What a source asks for after a call. Nothing by default: sources arm their descriptors
/// themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// A call with [`Ready::tick`] in about a millisecond.
    pub tick: bool,
    /// A call with [`Ready::flush_check`] in about 50 us.
    pub flush_check: bool,
}

/// Something driven by an I/O thread. Called with no lock held; must not block for long. A
/// panic ends this source only, by [`Source::fail`].
pub trait Source: Send + Sync {
    /// Handles readiness, a due timer, or a call that was asked for.
    fn ready(self: Arc<Self>, what: Ready) -> After;

    /// A call of [`ready`](Self::ready) panicked: release everything.
    fn fail(self: Arc<Self>);
}
