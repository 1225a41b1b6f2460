//! Operating system calls that the standard library does not offer, with safe
//! interfaces for the layers above.
//!
//! The functions may be called from any thread and take no lock of the library.
//! Cancellation points of POSIX are shielded ([`cancel::Shield`]) here or by the callers.
//!
//! `unix/` holds what POSIX offers, `linux/` Linux's own calls. What a backend has to give:
//!
//! | names | |
//! | --- | --- |
//! | [`epoll`] | readiness of descriptors, one-shot and edge-triggered |
//! | [`eventfd`], [`raised_eventfd`], [`raise`] | a descriptor that another thread makes readable |
//! | `futex_wait`, `futex_wait_cancellable`, `futex_wake` | sleeps on a word; loom has its own |
//! | [`membarrier`] | a barrier on all threads of the process |
//! | [`memory`], [`trim_memory`] | large blocks of memory, and the heap's spare memory |
//! | [`credentials`] | user, group and process of an ipc peer |
//! | [`has_one_cpu`], [`set_thread_affinity`], [`set_thread_name`] | threads |
//! | [`tipc`] | socket addresses of TIPC |
//!
//! Linux is the only system that the library is built for. A port to another Unix begins with its
//! own `epoll` and `eventfd`, and the place of `errno` (`errno.rs`); `unix/stand_ins/` has the other names, without TIPC, in
//! POSIX alone. `RUSTFLAGS="--cfg stand_ins"` builds the library for Linux with them.

#[cfg(not(target_os = "linux"))]
compile_error!("Linux only: see src/sys/mod.rs for what another system has to give");

mod cpu;
mod drafts;
mod errno;
// With the stand-ins the names that they replace are not used.
#[cfg_attr(stand_ins, allow(dead_code, unused_imports))]
mod linux;
pub mod log;
pub mod panics;
pub mod random;
pub mod room;
pub mod simd;
#[cfg(all(any(feature = "libsodium", test), not(miri)))]
pub mod sodium;
mod unix;

#[cfg(not(stand_ins))]
use linux as backend;
#[cfg(stand_ins)]
use unix::stand_ins as backend;

pub use backend::{
    credentials, has_one_cpu, membarrier, memory, set_thread_affinity, set_thread_name, trim_memory,
};
#[cfg(not(loom))]
pub use backend::{futex_wait, futex_wake};
pub use cpu::{TICKS_IN_MS, prefetch_for_write, ticks};
pub use drafts::has_drafts;
pub use errno::{Errno, last_errno, set_errno};
pub use linux::eventfd::{eventfd, raise, raised_eventfd};
pub use linux::{epoll, tipc};
pub use unix::{
    SignalMask, adopt, at_fork, block_signals, descriptor_limit, interfaces, is_ready_within,
    is_refused, is_single_threaded, millis_up, monotonic, pages, poll, ppoll, resolver,
    set_receive_low_water, set_socket_option, set_thread_scheduling, sleep, thread_number, unsent,
};

/// Thread cancellation, with the backend's sleep.
pub mod cancel {
    #[cfg(not(loom))]
    pub use super::backend::futex_wait_cancellable as futex_wait;
    pub use super::unix::cancel::*;
}
