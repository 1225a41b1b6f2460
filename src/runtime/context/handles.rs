//! The calls on context handles. A handle's slot holds a [`Core`], which sockets and connections
//! share.

#![forbid(unsafe_code)]

use super::core::Core;
use crate::error::{Error, Result};
use crate::options::ContextOptions;
use crate::runtime::handle::{Slot, Table};
use crate::sync::ForkedChild;
use crate::sync::membarrier;
use crate::sync::suspend;
use crate::sys::cancel::Shield;
use crate::sys::log;
use crate::sys::room::Room;
use std::sync::Arc;

/// All contexts of the process.
pub static CONTEXTS: Table<Arc<Core>> = Table::new();

/// A new context; no thread is started and no descriptor opened.
pub fn create() -> Result<&'static Slot<Arc<Core>>> {
    log::start();
    membarrier::prepare(false);
    CONTEXTS.insert(Box::new(Core::new(ContextOptions::default())))
}

/// In a forked child: leaks the parent's contexts untouched, and puts new ones with the
/// same options behind their handles.
pub fn leave_to_parent(child: &ForkedChild) {
    CONTEXTS.leave_to_parent(child, |old| {
        let options = old.options.try_lock().map(|options| options.clone());
        Some(Box::new(Core::new(options.unwrap_or_default())))
    });
}

/// The core behind a handle, [`Error::Fault`] if there is none.
pub fn find(address: usize) -> Result<Arc<Core>> {
    let slot = CONTEXTS.find(address).ok_or(Error::Fault)?;
    let guard = slot.lock()?;
    guard.as_deref().cloned().ok_or(Error::Fault)
}

/// `zmq_ctx_set`: [`Error::Fault`], [`Error::Invalid`].
pub fn set(address: usize, option: i32, value: i32) -> Result<()> {
    find(address)?.options.lock().set(option, value)
}

/// `zmq_ctx_get`: [`Error::Fault`], [`Error::Invalid`].
pub fn get(address: usize, option: i32) -> Result<i32> {
    find(address)?.options.lock().get(option)
}

/// `zmq_ctx_set_ext`: [`Error::Fault`], [`Error::Invalid`].
pub fn set_bytes(address: usize, option: i32, value: Option<&[u8]>) -> Result<()> {
    find(address)?.options.lock().set_bytes(option, value)
}

/// `zmq_ctx_get_ext`: [`Error::Fault`], [`Error::Invalid`].
pub fn get_bytes(address: usize, option: i32, out: Room<'_>) -> Result<()> {
    find(address)?.options.lock().get_bytes(option, out)
}

/// `zmq_ctx_shutdown`: all blocking calls on the context's sockets end with
/// [`Error::Term`], and so do all later calls except `zmq_close`.
pub fn shutdown(address: usize) -> Result<()> {
    find(address)?.shutdown();
    Ok(())
}

/// `zmq_ctx_term`: shuts down, waits until all sockets are closed and all lingering data
/// is sent or dropped, and ends the I/O threads. `suspends`: the call is suspended instead
/// of sleeping, and made again ([`suspend`]).
///
/// [`Error::Interrupted`] if a signal handler ran; the call can be repeated.
/// [`Error::Fault`] if another thread has terminated the context.
pub fn terminate(address: usize, suspends: bool) -> Result<()> {
    let _shield = Shield::new();
    let core = find(address)?;
    core.shutdown();
    core.wait_until_unused(suspends && suspend::is_possible())?;
    // Of several threads that terminate at once, the one that empties the slot does the
    // rest; the other calls fail.
    let slot = CONTEXTS.find(address).ok_or(Error::Fault)?;
    CONTEXTS.remove(slot)?.ok_or(Error::Fault)?;
    CONTEXTS.give_back(slot);
    core.stop();
    Ok(())
}
