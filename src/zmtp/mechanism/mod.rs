//! Security mechanisms of ZMTP 3.x.
//!
//! A mechanism has two representations. During the handshake it is a
//! `Negotiation`, which processes and produces commands and may wait for a ZAP
//! reply; afterwards it is a [`Mechanism`], which encodes traffic into wire frames
//! and decodes it. Both are owned by the connection and used under its work lock.
//! A new mechanism adds a variant to [`MechanismConfig`], `Negotiation` and
//! [`Mechanism`].

#![forbid(unsafe_code)]

mod common;
pub mod curve;
mod negotiation;
mod null;
mod plain;
mod traffic;

pub use common::{Flags, ZapPolicy, ZapRequest, ZapVerdict};
pub use negotiation::MechanismConfig;
pub(super) use negotiation::Negotiation;
pub use plain::PlainRole;
pub use traffic::Mechanism;
