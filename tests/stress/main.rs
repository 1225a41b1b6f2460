//! All patterns on all transports with sockets that come and go, pauses, and
//! threads that hand their sockets on. What arrives must be whole, in order,
//! once, and all of it where nothing may be dropped.
//!
//! The seed is fixed. `FERROZMQ_STRESS=<seconds>` goes on with other seeds for
//! so long in each test; a failure names its seed, `FERROZMQ_SEED=<seed>` starts
//! with it.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
mod messages;
mod pair;
mod publish;
mod push;
mod request;
mod sockets;
mod travel;
