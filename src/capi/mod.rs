//! The C API: `extern "C"` shells that check pointers, make one safe call and
//! convert the result.
//!
//! Pointer contract, for every exported function unless it says otherwise:
//! - a pointer may be NULL only where its documentation says what NULL means;
//!   the library nevertheless answers `EFAULT` (or does nothing) and does not
//!   crash wherever it can tell;
//! - any other pointer must be aligned and valid for the access and the size
//!   the documentation states, for the time of the call;
//! - strings end with a NUL byte;
//! - a `void *` handle came from the matching `…_new`, `…_start` or
//!   `zmq_socket` call.

pub mod boundary;
pub mod constants;
pub mod errors;
mod slot;
pub mod threads;
pub mod timers;
pub mod types;
pub mod utils;
