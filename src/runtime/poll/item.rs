//! What `zmq_poll` waits for, and a check of all of it.

#![forbid(unsafe_code)]

use crate::error::Result;
use crate::runtime::socket::{self, POLLERR, POLLIN, POLLOUT, POLLPRI};

/// One thing to wait for.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// A socket handle's address and the events wanted.
    Socket(usize, i16),
    /// A descriptor and the events wanted.
    Fd(i32, i16),
}

/// Checks all items once, without waiting. Descriptors come first: a socket's own `ZMQ_FD`
/// may be among them, and the check of that socket lowers it.
pub fn check(items: &[Item], ready: &mut [i16]) -> Result<usize> {
    ready.fill(0);
    let mut fds: Vec<libc::pollfd> = items.iter().filter_map(to_pollfd).collect();
    if !fds.is_empty() && crate::sys::poll(&mut fds, 0)? > 0 {
        store(items, ready, &fds);
    }
    for (item, ready) in items.iter().zip(ready.iter_mut()) {
        if let Item::Socket(address, wanted) = *item {
            *ready = socket::ready(address, wanted)?;
        }
    }
    Ok(ready.iter().filter(|events| **events != 0).count())
}

fn to_pollfd(item: &Item) -> Option<libc::pollfd> {
    let Item::Fd(fd, wanted) = *item else {
        return None;
    };
    let pairs = [
        (POLLIN, libc::POLLIN),
        (POLLOUT, libc::POLLOUT),
        (POLLPRI, libc::POLLPRI),
    ];
    let events = pairs
        .iter()
        .filter(|(ours, _)| wanted & ours != 0)
        .fold(0, |all, (_, theirs)| all | theirs);
    Some(libc::pollfd {
        fd,
        events,
        revents: 0,
    })
}

/// Translates the events that the system's `poll` returned for the descriptors.
fn store(items: &[Item], ready: &mut [i16], fds: &[libc::pollfd]) {
    let mut answers = fds.iter();
    for (item, ready) in items.iter().zip(ready.iter_mut()) {
        if !matches!(item, Item::Fd(..)) {
            continue;
        }
        let Some(answer) = answers.next() else { break };
        let known = libc::POLLIN | libc::POLLOUT | libc::POLLPRI;
        for (theirs, ours) in [
            (libc::POLLIN, POLLIN),
            (libc::POLLOUT, POLLOUT),
            (libc::POLLPRI, POLLPRI),
        ] {
            if answer.revents & theirs != 0 {
                *ready |= ours;
            }
        }
        if answer.revents & !known != 0 {
            *ready |= POLLERR;
        }
    }
}

/// The descriptors in the list, and the `ZMQ_FD` of each socket in it.
pub fn descriptors(items: &[Item]) -> Result<Vec<libc::pollfd>> {
    let mut fds: Vec<libc::pollfd> = items.iter().filter_map(to_pollfd).collect();
    for item in items {
        if let Item::Socket(address, _) = *item {
            let fd = socket::with(address, |socket| socket.shared.mail.fd())?;
            fds.push(libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            });
        }
    }
    Ok(fds)
}
