//! What a queue of a pipe holds.

#![forbid(unsafe_code)]

use crate::message::{Metadata, Msg, Run};
use std::sync::Arc;

/// An item of a queue. No larger than a message: the others fit around the byte of its kind, which
/// has unused values.
pub(super) enum Item {
    /// A part of a message.
    Part(Msg),
    /// A run: the parts that follow are frames in it.
    Run(Run),
    /// Properties of the connection that the parts after it came from.
    Metadata(Arc<Metadata>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_takes_a_cache_line() {
        assert_eq!(size_of::<Item>(), 64);
    }
}
