//! Whether the library answers as a build with drafts.

#![forbid(unsafe_code)]

use std::sync::OnceLock;

/// False if the environment variable `FERROZMQ_DRAFT` is 0 when this is first called in the
/// process: then draft socket types and options are refused as by a stable build of libzmq.
pub fn has_drafts() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| std::env::var_os("FERROZMQ_DRAFT").is_none_or(|value| value != "0"))
}
