//! ferrozmq: a drop-in replacement for libzmq, with the same C ABI and wire protocol.
//!
//! Programs in C, and bindings in other languages, link with `libzmq.so.5` or `libzmq.a`.
//! The crate exports the same functions to Rust, and nothing safer: they are what `zmq.h`
//! declares, with its contracts. Here a message goes from one socket to another.
//!
//! ```
//! use zmq::abi::numbers::*;
//! use zmq::capi::{ctx::*, socket::*, transfer::*};
//!
//! // SAFETY: handles from the calls before, and buffers of the sizes that are given.
//! unsafe {
//!     let context = zmq_ctx_new();
//!     let pull = zmq_socket(context, ZMQ_PULL);
//!     let push = zmq_socket(context, ZMQ_PUSH);
//!     assert_eq!(zmq_bind(pull, c"inproc://example".as_ptr()), 0);
//!     assert_eq!(zmq_connect(push, c"inproc://example".as_ptr()), 0);
//!
//!     assert_eq!(zmq_send(push, b"hello".as_ptr().cast(), 5, 0), 5);
//!     let mut received = [0; 16];
//!     let size = zmq_recv(pull, received.as_mut_ptr().cast(), received.len(), 0);
//!     assert_eq!(&received[..size as usize], b"hello");
//!
//!     assert_eq!((zmq_close(push), zmq_close(pull)), (0, 0));
//!     assert_eq!(zmq_ctx_term(context), 0);
//! }
//! ```
//!
//! The modules stand in layers, highest first; a module uses only what stands
//! below it, and modules of one layer do not use each other. ARCHITECTURE.md
//! tells the whole story; `tests/layering/` holds the order.
//!
//! The crate's interface is the C functions in [`capi`] and the numbers in [`abi`]. Everything else
//! is private, so that the compiler finds what is not used; the feature `testing` opens it to
//! the fuzzers and the test of their corpora.

#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

pub mod capi;

#[cfg(not(feature = "testing"))]
mod runtime;
#[cfg(feature = "testing")]
pub mod runtime;

#[cfg(not(feature = "testing"))]
mod connection;
#[cfg(feature = "testing")]
pub mod connection;
#[cfg(not(feature = "testing"))]
mod pattern;
#[cfg(feature = "testing")]
pub mod pattern;

#[cfg(not(feature = "testing"))]
mod transport;
#[cfg(feature = "testing")]
pub mod transport;
#[cfg(not(feature = "testing"))]
mod zmtp;
#[cfg(feature = "testing")]
pub mod zmtp;

#[cfg(not(feature = "testing"))]
mod reactor;
#[cfg(feature = "testing")]
pub mod reactor;

#[cfg(not(feature = "testing"))]
mod pipe;
#[cfg(feature = "testing")]
pub mod pipe;

#[cfg(not(feature = "testing"))]
mod message;
#[cfg(feature = "testing")]
pub mod message;
#[cfg(not(feature = "testing"))]
mod options;
#[cfg(feature = "testing")]
pub mod options;

#[cfg(not(feature = "testing"))]
mod io_policy;
#[cfg(feature = "testing")]
pub mod io_policy;

#[cfg(not(feature = "testing"))]
mod error;
#[cfg(feature = "testing")]
pub mod error;
#[cfg(not(feature = "testing"))]
mod sync;
#[cfg(feature = "testing")]
pub mod sync;

#[cfg(not(feature = "testing"))]
mod sys;
#[cfg(feature = "testing")]
pub mod sys;

pub mod abi;
