//! The descriptor behind `ZMQ_FD`: readable while commands wait.

#![forbid(unsafe_code)]

use crate::error::Result;
use crate::sync::readiness::Descriptor;
use crate::sys::cancel::Shield;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};

/// An eventfd.
#[derive(Debug)]
pub struct EventFd {
    file: std::fs::File,
}

impl EventFd {
    /// A descriptor that is not readable yet.
    pub fn new() -> Result<EventFd> {
        let fd: OwnedFd = crate::sys::eventfd()?;
        Ok(EventFd { file: fd.into() })
    }

    /// The descriptor's number.
    pub fn number(&self) -> i32 {
        self.file.as_raw_fd()
    }
}

impl Descriptor for EventFd {
    fn raise(&self) -> bool {
        crate::sys::raise(&self.file).is_ok()
    }

    fn lower(&self) {
        let _shield = Shield::new();
        let _ = (&self.file).read(&mut [0; 8]);
    }
}
