//! Pollers: lists of sockets and descriptors that a program waits for again and again.
//!
//! A [`Poller`] is what is behind a `zmq_poller_new` handle, under the lock of that handle. A
//! wait takes a snapshot of the list ([`Poller::watched`]) and sleeps without that lock, so
//! another thread can change the poller meanwhile; the next wait sees the change.

#![forbid(unsafe_code)]

use super::poll::{self, Item};
use super::socket::{self, POLLERR, POLLIN, POLLOUT, POLLPRI};
use crate::error::{Error, Result};
use crate::sys::epoll::Gathering;
use std::sync::Arc;

/// What a poller watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The address of a socket's handle.
    Socket(usize),
    /// A descriptor.
    Fd(i32),
}

impl Target {
    /// # Errors
    /// [`Error::NotSocket`] for an address that is no live socket's, `EBADF` for descriptor -1.
    fn check(self) -> Result<()> {
        match self {
            Target::Socket(address) => socket::exists(address),
            Target::Fd(-1) => Err(Error::Os(libc::EBADF)),
            Target::Fd(_) => Ok(()),
        }
    }
}

/// A target with the events wanted of it and what the program wants to be given with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// What is watched.
    pub target: Target,
    /// The program's pointer.
    pub user_data: usize,
    /// `ZMQ_POLLIN` and the like. Without any the target is not polled.
    pub events: i16,
}

impl Watch {
    fn item(&self) -> Item {
        match self.target {
            Target::Socket(address) => Item::Socket(address, self.events),
            Target::Fd(fd) => Item::Fd(fd, self.events),
        }
    }
}

/// The list of a poller, in the order in which the targets were added.
#[derive(Default)]
pub struct Poller {
    watches: Vec<Watch>,
    /// What a wait polls; made by the first wait after a change.
    snapshot: Option<Arc<Watched>>,
    /// A socket was added that several threads may use.
    has_shared: bool,
    /// The `ZMQ_FD`s of the sockets of which events are wanted, once [`fd`](Poller::fd) was
    /// called.
    news: Option<Gathering>,
}

impl Poller {
    /// Removes all targets.
    pub fn clear(&mut self) {
        *self = Poller::default();
    }

    /// How many targets there are, those without events among them.
    pub fn size(&self) -> usize {
        self.watches.len()
    }

    /// Adds a target.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is in the list and for unknown events; else as for the
    /// target.
    pub fn add(&mut self, watch: Watch) -> Result<()> {
        watch.target.check()?;
        check_events(watch.events)?;
        if self.index(watch.target).is_ok() {
            return Err(Error::Invalid);
        }
        self.watches.try_reserve(1).map_err(|_| Error::NoMemory)?;
        if let Target::Socket(address) = watch.target {
            self.has_shared |= socket::is_thread_safe(address)?;
        }
        self.gather(&watch)?;
        self.watches.push(watch);
        self.snapshot = None;
        Ok(())
    }

    /// Changes the events wanted of a target.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is not in the list and for unknown events; else as for
    /// the target.
    pub fn modify(&mut self, target: Target, events: i16) -> Result<()> {
        target.check()?;
        check_events(events)?;
        let index = self.index(target)?;
        self.release(&self.watches[index]);
        self.watches[index].events = events;
        self.gather(&self.watches[index])?;
        self.snapshot = None;
        Ok(())
    }

    /// Removes a target.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is not in the list; else as for the target.
    pub fn remove(&mut self, target: Target) -> Result<()> {
        target.check()?;
        let index = self.index(target)?;
        self.release(&self.watches[index]);
        self.watches.remove(index);
        self.snapshot = None;
        Ok(())
    }

    /// A descriptor that is readable when a wait may find events of sockets. It remains so
    /// until a wait.
    ///
    /// # Errors
    /// [`Error::Invalid`] before a socket was added that several threads may use; the
    /// system's.
    pub fn fd(&mut self) -> Result<i32> {
        if !self.has_shared {
            return Err(Error::Invalid);
        }
        if self.news.is_none() {
            self.news = Some(Gathering::new()?);
            // A socket that was closed without being removed has no descriptor.
            let all = self.watches.iter();
            all.for_each(|watch| _ = self.gather(watch));
        }
        let news = self.news.as_ref().ok_or(Error::Invalid)?;
        Ok(news.number())
    }

    /// Adds a socket's `ZMQ_FD` to those that make the poller's descriptor readable.
    fn gather(&self, watch: &Watch) -> Result<()> {
        if let (Some(news), Target::Socket(address), 1..) = (&self.news, watch.target, watch.events)
        {
            news.add(socket::news_descriptor(address)?)?;
        }
        Ok(())
    }

    /// Undoes [`gather`](Self::gather).
    fn release(&self, watch: &Watch) {
        if let (Some(news), Target::Socket(address), 1..) = (&self.news, watch.target, watch.events)
        {
            let fd = socket::news_descriptor(address);
            // Only a socket that was closed is not there.
            let _ = fd.map(|fd| news.remove(fd));
        }
    }

    fn index(&self, target: Target) -> Result<usize> {
        let mut watches = self.watches.iter();
        let index = watches.position(|watch| watch.target == target);
        index.ok_or(Error::Invalid)
    }

    /// What a wait that begins now waits for.
    pub fn watched(&mut self) -> Arc<Watched> {
        let make = || {
            let wanted = self.watches.iter().filter(|watch| watch.events != 0);
            let watches: Vec<Watch> = wanted.copied().collect();
            let items = watches.iter().map(Watch::item).collect();
            Arc::new(Watched { watches, items })
        };
        self.snapshot.get_or_insert_with(make).clone()
    }
}

fn check_events(events: i16) -> Result<()> {
    match events & !(POLLIN | POLLOUT | POLLERR | POLLPRI) {
        0 => Ok(()),
        _ => Err(Error::Invalid),
    }
}

/// A poller's targets at one time, without those of which no event is wanted.
pub struct Watched {
    watches: Vec<Watch>,
    items: Vec<Item>,
}

impl Watched {
    /// Waits for events, `timeout` milliseconds at most (negative: for ever), and returns the
    /// first `most` targets that have some, at least one, with those events. The call may be
    /// suspended ([`poll::poll`]).
    ///
    /// # Errors
    /// [`Error::Again`] on time-out, [`Error::Fault`] instead of waiting for ever for nothing;
    /// else as [`poll::poll`].
    pub fn wait(&self, most: usize, timeout: i64) -> Result<Vec<Watch>> {
        let items = match most {
            0 => &[],
            _ => &self.items[..],
        };
        if items.is_empty() && timeout < 0 {
            return Err(Error::Fault);
        }
        let mut ready = vec![0; items.len()];
        if poll::poll(items, &mut ready, timeout, true)? == 0 {
            return Err(Error::Again);
        }
        let all = self.watches.iter().zip(ready);
        let found = all.filter(|(_, events)| *events != 0);
        let found = found.map(|(watch, events)| Watch { events, ..*watch });
        Ok(found.take(most).collect())
    }
}
