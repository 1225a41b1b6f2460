//! Decisions about input and output, without any: when a waiting thread spins, when messages
//! are batched, how long a sending thread writes by itself.
//!
//! Each policy is a plain struct: the caller passes an observation and its time, and the policy
//! returns a decision. Times are in nanoseconds since a moment that the caller chooses, so the
//! tests run on virtual time. Several threads may use one policy at the same time: its values are hints,
//! and a race makes them approximate. The values behind the decisions are in [`tunables`].

#![forbid(unsafe_code)]

mod retry;
mod spin;
mod streams;
pub mod tunables;

pub use retry::RetryBudget;
pub use spin::Spin;
pub use streams::{Wakeup, WakeupRun, is_stream};
