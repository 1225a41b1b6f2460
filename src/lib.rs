//! ferrozmq: a drop-in replacement for libzmq.
//!
//! The modules stand in layers, highest first; a module uses only what stands
//! below it, and modules of one layer do not use each other. ARCHITECTURE.md
//! tells the whole story; `tests/layering.rs` holds the order.

#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

pub mod capi;
pub mod runtime;

pub mod connection;
pub mod pattern;

pub mod transport;
pub mod zmtp;

pub mod reactor;

pub mod pipe;

pub mod endpoint;
pub mod message;
pub mod options;

pub mod error;
pub mod sync;

pub mod abi;
pub mod sys;
