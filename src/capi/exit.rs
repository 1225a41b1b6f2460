//! The C library calls this when the process ends, or the library is unloaded.
//!
//! What the library keeps for later then goes, so that a tool which looks for leaks
//! finds nothing of ours. Calls may come after it, from other libraries' destructors,
//! and work as before.

use super::boundary::plain;
use crate::{message, runtime, transport};

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_END: extern "C" fn() = end;

extern "C" fn end() {
    plain(|| {
        transport::end_lookups();
        runtime::end();
        message::end();
    });
}
