//! Every number of the C interface, once.
//!
//! The public header is generated from [`numbers`] and [`options`]; the tables of options and
//! socket types, the events and the errors of all other modules take their numbers from here.
//! What the draft API adds stands in the `draft` module of each.

#![forbid(unsafe_code)]

pub mod errors;
pub mod numbers;
pub mod options;
pub mod socket_type;
