//! The destructor of the library: the C library calls it when the process ends, or when the
//! library is unloaded.
//!
//! It frees memory that is kept for reuse, and joins idle threads, so that leak checkers
//! report nothing. Other libraries' destructors may call the library afterwards; such calls
//! work as before.

use super::boundary::plain;
use crate::{message, runtime, transport};

#[used]
#[unsafe(link_section = ".fini_array")]
static AT_END: extern "C" fn() = end;

extern "C" fn end() {
    plain(|| {
        transport::end_lookups();
        runtime::poll::end();
        message::end();
    });
}
