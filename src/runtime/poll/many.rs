//! Sleeping on a long list of sockets, which is mostly the same in each call.
//!
//! Registration with thousands of sockets for each sleep would cost more than the rest of
//! the call. So an application thread in `zmq_poll` stays registered with the sockets of
//! its last long list ([`crate::sync::waiter`]), until another list or the thread's end.
//! The registrations are in the sockets' slots, which are never freed: they keep nothing
//! alive, and hold for any socket that the slot contains later. A slot has place for one
//! waiter; where another thread sleeps already, this one registers its parker with the
//! socket for the one sleep. The waiter is armed, then all sockets are rechecked; a thread
//! with news marks the slot ready, then loads whether the waiter is armed.

#![forbid(unsafe_code)]

use super::item::Item;
use crate::connection::{Connection, Engine};
use crate::error::{Error, Result};
use crate::runtime::handle::Slot;
use crate::runtime::shared::Shared;
use crate::runtime::socket::{self, POLLIN, Socket};
use crate::sync::local::thread_cell;
use crate::sync::parker::{Parker, Wake};
use crate::sync::suspend::{self, SleepOn};
use crate::sync::waiter::Waiter;
use crate::sync::{Mutex, lock_for_fork};
use crate::sys::pages;
use std::sync::Arc;
use std::time::Instant;

/// Waiters that one allocation makes. They are never freed.
const WAITERS: usize = 32;

/// Waiters that belong to no thread.
static IDLE: Mutex<Vec<&'static Waiter>> = Mutex::new(Vec::new());

thread_cell! {
    /// The calling thread's registrations, while it is not in [`wait`].
    static MINE: Option<Box<Registered>> = None;
}

/// Keeps waiters from changing their owner until the returned guard is dropped.
pub fn lock_over_fork() -> impl Sized {
    lock_for_fork(&IDLE)
}

/// Frees the list of idle waiters at the end of the process.
pub fn end() {
    if let Some(mut idle) = lock_for_fork(&IDLE) {
        *idle = Vec::new();
    }
}

/// A thread's registrations.
struct Registered {
    waiter: &'static Waiter,
    parker: Arc<Parker>,
    addresses: Vec<usize>,
    slots: Vec<&'static Slot<Socket>>,
    /// The list asks for `ZMQ_POLLIN` only.
    only_reads: bool,
    /// The slots whose place was taken by the waiter of a sleeping thread.
    taken: Vec<&'static Slot<Socket>>,
    /// The sockets in `taken`, with which `parker` is registered for this sleep only.
    joined: Vec<Arc<Shared>>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.end_sleep();
        self.leave();
        self.waiter.equip(None);
        IDLE.lock().push(self.waiter);
    }
}

/// A thread's registrations while its call is suspended. Dropping this ends the sleep and
/// puts them back into [`MINE`].
pub(super) struct Sleeping(Option<Box<Registered>>);

impl Drop for Sleeping {
    fn drop(&mut self) {
        if let Some(mut registered) = self.0.take() {
            registered.end_sleep();
            MINE.set(Some(registered));
        }
    }
}

/// Waits until `check` finds an event, in a list of sockets only. `check` has just found
/// nothing. `suspends`: see `poll`.
pub(super) fn wait(
    items: &[Item],
    deadline: Option<Instant>,
    suspends: bool,
    check: &mut dyn FnMut() -> Result<usize>,
) -> Result<usize> {
    // To flush all connections would cost more than the sleep. The I/O threads write
    // the rest after their batching delay.
    if let Some(left) = Connection::last_unflushed() {
        left.push_output();
    }
    let mut mine = match MINE.take() {
        Some(mine) => mine,
        None => Box::new(Registered::new()?),
    };
    let outcome = loop {
        match mine.prepare_sleep(items, check) {
            Ok(0) if suspends => {
                suspend::suspend(SleepOn::Parker(mine.parker.clone()), deadline, {
                    Box::new(Sleeping(Some(mine)))
                });
                return Err(Error::Suspended);
            }
            Ok(0) => {}
            done => break done,
        }
        match mine.parker.park(deadline) {
            Wake::Interrupted => break Err(Error::Interrupted),
            Wake::TimedOut => break mine.recheck(check),
            Wake::Notified => {}
        }
    };
    drop(Sleeping(Some(mine)));
    outcome
}

impl Registered {
    fn new() -> Result<Registered> {
        let waiter = {
            let mut idle = IDLE.lock();
            if idle.is_empty() {
                let fresh = pages::for_ever(WAITERS, Waiter::new).ok_or(Error::NoMemory)?;
                idle.extend(fresh);
            }
            idle.pop().ok_or(Error::NoMemory)?
        };
        let parker = Arc::new(Parker::new());
        waiter.equip(Some(parker.clone()));
        Ok(Registered {
            waiter,
            parker,
            addresses: Vec::new(),
            slots: Vec::new(),
            only_reads: false,
            taken: Vec::new(),
            joined: Vec::new(),
        })
    }

    /// Registers, arms the waiter and rechecks. After a result of 0, news wakes the parker.
    /// Repeated while a registration was lost to another thread meanwhile.
    fn prepare_sleep(
        &mut self,
        items: &[Item],
        check: &mut dyn FnMut() -> Result<usize>,
    ) -> Result<usize> {
        loop {
            self.end_sleep();
            self.register(items)?;
            self.join_taken();
            self.hand_to_io_thread();
            let complete = self.waiter.arm();
            match self.recheck(check) {
                Ok(0) if !complete => {}
                done => return done,
            }
        }
    }

    /// Disarms the waiter and ends the registrations for one sleep.
    fn end_sleep(&mut self) {
        self.waiter.disarm();
        for shared in self.joined.drain(..) {
            shared.mail.waiters.cancel(&self.parker);
        }
    }

    /// Calls `check`, unless all sockets are still quiet: it has found nothing before.
    fn recheck(&self, check: &mut dyn FnMut() -> Result<usize>) -> Result<usize> {
        match self.only_reads && self.slots.iter().all(|slot| slot.is_quiet()) {
            true => Ok(0),
            false => check(),
        }
    }

    /// Registers the waiter with the sockets of the list, where it is not yet.
    fn register(&mut self, items: &[Item]) -> Result<()> {
        let waiter = self.waiter;
        self.parker.reset();
        self.only_reads = items
            .iter()
            .all(|item| matches!(*item, Item::Socket(_, POLLIN)));
        if !waiter.is_incomplete() && self.is_for(items) {
            self.taken.retain(|slot| !slot.waiter.enter(waiter));
            return Ok(());
        }
        self.leave();
        waiter.begin();
        for address in items.iter().filter_map(address) {
            let slot = socket::find(address)?;
            self.addresses.push(address);
            self.slots.push(slot);
            if !slot.waiter.enter(waiter) {
                self.taken.push(slot);
            }
        }
        Ok(())
    }

    fn is_for(&self, items: &[Item]) -> bool {
        let addresses = items.iter().filter_map(address);
        addresses.eq(self.addresses.iter().copied())
    }

    fn leave(&mut self) {
        for slot in self.slots.drain(..) {
            slot.waiter.leave(self.waiter);
        }
        self.taken.clear();
        self.addresses.clear();
    }

    /// Registers the parker for this sleep with the sockets in `taken`.
    fn join_taken(&mut self) {
        for shared in self.taken.iter().filter_map(|slot| shared(slot)) {
            shared.mail.waiters.prepare(&self.parker);
            self.joined.push(shared);
        }
    }

    /// Hands the caller-driven connections to the I/O threads. A quiet socket has none.
    fn hand_to_io_thread(&self) {
        for slot in self.slots.iter().filter(|slot| !slot.is_quiet()) {
            if let Some(shared) = shared(slot) {
                shared.caller_driven.hand_to_io_thread();
            }
        }
    }
}

fn address(item: &Item) -> Option<usize> {
    match *item {
        Item::Socket(address, _) => Some(address),
        Item::Fd(..) => None,
    }
}

/// `None` if the socket is gone, which the next check finds.
fn shared(slot: &'static Slot<Socket>) -> Option<Arc<Shared>> {
    let guard = slot.lock().ok()?;
    guard.as_ref().map(|socket| socket.shared.clone())
}
