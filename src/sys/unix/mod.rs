//! What POSIX offers; each backend uses it.

pub mod adopt;
pub mod cancel;
mod clock;
pub mod credentials;
pub mod interfaces;
pub mod pages;
pub mod poll;
mod process;
mod refusal;
pub mod resolver;
pub mod signals;
mod socket;
#[cfg(stand_ins)]
pub mod stand_ins;
mod thread;

pub use clock::monotonic;
pub use poll::{is_ready_within, millis_up, poll, ppoll, sleep};
pub use process::{at_fork, descriptor_limit};
pub use refusal::is_refused;
pub use signals::{SignalMask, block_signals};
pub use socket::{set_receive_low_water, set_socket_option, unsent};
pub use thread::{is_single_threaded, set_thread_scheduling, thread_number};
