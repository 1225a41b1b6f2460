//! Linux's own calls, and those of its C libraries.

pub mod credentials;
pub mod epoll;
pub mod eventfd;
#[cfg(not(loom))]
mod futex;
pub mod membarrier;
pub mod memory;
mod thread;
pub mod tipc;

#[cfg(not(loom))]
pub use futex::{futex_wait, futex_wait_cancellable, futex_wake};
pub use memory::trim_memory;
pub use thread::{has_one_cpu, set_thread_affinity, set_thread_name};
