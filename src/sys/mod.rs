//! What the library needs from the operating system beyond `std` and `socket2`.

pub mod adopt;
pub mod credentials;
pub mod interfaces;
pub mod resolver;
