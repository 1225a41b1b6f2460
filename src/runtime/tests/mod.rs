//! Tests of what more than one part of the runtime has to do with.

#![forbid(unsafe_code)]

mod given_up;
mod layers;
mod panics;
