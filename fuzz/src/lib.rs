//! What is fuzzed: each function takes any bytes, and panics if the library
//! does what it must not do.

#![forbid(unsafe_code)]

mod conversation;
mod input;

pub mod commands;
pub mod endpoints;
pub mod frames;
pub mod greeting;
pub mod handshakes;
pub mod options;
pub mod sockets;
pub mod socks;
pub mod subscriptions;
pub mod z85;
pub mod zap;

/// A name, and what it stands for.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("greeting", greeting::run),
    ("frames", frames::run),
    ("commands", commands::run),
    ("null", handshakes::null),
    ("plain", handshakes::plain),
    ("curve", handshakes::curve),
    ("zap", zap::run),
    ("socks", socks::run),
    ("endpoints", endpoints::run),
    ("z85", z85::run),
    ("options", options::run),
    ("subscriptions", subscriptions::run),
    ("patterns", sockets::run),
];
