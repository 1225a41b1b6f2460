//! The group of a message (`zmq_msg_group`): where it is published by a RADIO, or came from.
//!
//! A short group is in the message. A longer one is kept with the properties of the message's
//! connection, because these are released with the message.

#![forbid(unsafe_code)]

use super::metadata::Metadata;
use super::msg::Msg;
use std::ffi::{CStr, CString};
use std::sync::Arc;

/// Longest group, in bytes.
pub const GROUP_MAX: usize = 255;

impl Msg {
    /// The group; empty if none was set.
    pub fn group(&self) -> &CStr {
        if let Some(long) = self.metadata().and_then(Metadata::group) {
            return long;
        }
        CStr::from_bytes_until_nul(&self.group).unwrap_or_default()
    }

    /// Sets the group, which is cut at a NUL and to [`GROUP_MAX`] bytes.
    pub fn set_group(&mut self, group: &[u8]) {
        let end = group.iter().position(|byte| *byte == 0);
        let group = &group[..end.unwrap_or(group.len()).min(GROUP_MAX)];
        self.group = [0; 16];
        self.leave_long_group();
        match self.group.get_mut(..group.len()) {
            // The last byte stays NUL.
            Some(short) if group.len() < 16 => short.copy_from_slice(group),
            _ => {
                let connection = self.take_metadata();
                let group = CString::new(group).unwrap_or_default();
                self.set_metadata(Some(Arc::new(Metadata::with_group(group, connection))));
            }
        }
    }

    /// Drops the properties of the connection, but not a group.
    pub(super) fn leave_connection(&mut self) {
        let long = self
            .metadata()
            .and_then(Metadata::group)
            .map(CStr::to_owned);
        let group = long.map(|group| Arc::new(Metadata::with_group(group, None)));
        self.set_metadata(group);
    }

    /// Drops a group that is not in the message itself.
    fn leave_long_group(&mut self) {
        if self
            .metadata()
            .is_some_and(|metadata| metadata.group().is_some())
        {
            let held = self.take_metadata();
            self.set_metadata(held.and_then(|held| held.connection().cloned()));
        }
    }
}
