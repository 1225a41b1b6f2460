//! The socket's monitor, and the count of the events that it had no room for.

#![forbid(unsafe_code)]

use crate::connection::Event;
use crate::runtime::context::inproc::Registry;
use crate::runtime::monitor::Monitor;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sys::log::{Origin, log};
use std::sync::Arc;

/// See the module.
#[derive(Default)]
pub struct Monitoring {
    monitor: Mutex<Option<Arc<Monitor>>>,
    is_on: AtomicBool,
    drops: AtomicU64,
}

impl Monitoring {
    /// Installs a monitor in place of the present one, which is stopped, and whose name is freed.
    pub fn set(&self, monitor: Option<Arc<Monitor>>, names: &Registry) {
        self.is_on.store(monitor.is_some(), Ordering::Relaxed);
        let old = std::mem::replace(&mut *self.monitor.lock(), monitor);
        if let Some(old) = old {
            names.unbind_monitor(old.name());
            old.stop();
        }
    }

    /// Whether there is a monitor.
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// `ZMQ_FERRO_MONITOR_DROPS`.
    pub fn drops(&self) -> u64 {
        self.drops.load(Ordering::Relaxed)
    }

    /// Queues an event for the monitor.
    pub(super) fn emit(&self, event: &Event, origin: Origin) {
        let monitor = self.monitor.lock();
        if monitor.as_ref().is_some_and(|m| !m.emit(event))
            && self.drops.fetch_add(1, Ordering::Relaxed) == 0
        {
            log!(Warn, origin, "events dropped: the monitor's queue is full");
        }
    }
}
