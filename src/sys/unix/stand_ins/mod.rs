//! What stands in for Linux's own calls on a system that has nothing like them.

pub mod credentials;
#[cfg(not(loom))]
mod futex;
pub mod membarrier;
pub mod memory;
mod thread;

#[cfg(not(loom))]
pub use futex::{futex_wait, futex_wait_cancellable, futex_wake};
pub use memory::trim_memory;
pub use thread::{has_one_cpu, set_thread_affinity, set_thread_name};
