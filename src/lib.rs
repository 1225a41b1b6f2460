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
//! has the whole; `tests/layering/` holds the order.
//!
//! The crate's interface is the C functions in [`capi`] and the numbers in [`abi`]. Everything else
//! is private, so that the compiler finds what is not used; the feature `testing` adds a module that
//! shows some of it to the fuzzers and the test of their corpora.

#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

pub mod capi;

mod runtime;

mod connection;
mod pattern;

mod transport;
mod zmtp;

mod reactor;

mod pipe;

mod message;
mod options;

mod io_policy;

mod error;
mod sync;

mod sys;

pub mod abi;

/// The private modules that the fuzzers reach, under their own names.
#[cfg(feature = "testing")]
#[allow(missing_docs)]
pub mod testing {
    macro_rules! open {
        ($($name:ident)*) => {$(pub mod $name {
            pub use crate::$name::*;
        })*};
    }

    open!(error message options pattern pipe runtime transport zmtp);
}
