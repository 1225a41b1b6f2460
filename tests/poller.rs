//! Pollers (`zmq_poller_*`), as a C program uses them.

mod common;

use common::{Context, Socket};
use std::ffi::{c_int, c_short, c_void};
use std::ptr::null_mut;
use zmq::abi::errors::ETERM;
use zmq::abi::numbers::{ZMQ_DONTWAIT, ZMQ_PAIR, ZMQ_POLLERR, ZMQ_POLLIN, ZMQ_POLLOUT};
use zmq::capi::{errors::zmq_errno, poller::*};

const IN: c_short = ZMQ_POLLIN as c_short;
const OUT: c_short = ZMQ_POLLOUT as c_short;

/// What stands for no event.
const CLEARED: zmq_poller_event_t = zmq_poller_event_t {
    socket: null_mut(),
    fd: -1,
    user_data: null_mut(),
    events: 0,
};

/// A context with pairs of connected sockets.
struct Sockets {
    context: Context,
    all: Vec<Socket>,
}

impl Sockets {
    fn new(pairs: usize) -> Sockets {
        let context = Context::new();
        let mut all = Vec::new();
        for pair in 0..pairs {
            let name = format!("inproc://{pair}");
            let ends = [0; 2].map(|_| context.socket(ZMQ_PAIR).unwrap());
            ends[0].bind(&name).unwrap();
            ends[1].connect(&name).unwrap();
            all.extend(ends);
        }
        Sockets { context, all }
    }

    fn send(&self, from: usize) {
        self.all[from].send(b"abc", 0).unwrap();
    }

    fn recv(&self, at: usize) {
        assert_eq!(self.all[at].recv(ZMQ_DONTWAIT).unwrap().data(), b"abc");
    }

    fn handle(&self, at: usize) -> *mut c_void {
        self.all[at].handle()
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for socket in &self.all {
            let _ = socket.close();
        }
        let _ = self.context.terminate();
    }
}

fn failure(result: c_int) -> c_int {
    assert_eq!(result, -1);
    zmq_errno()
}

/// A pointer for `user_data`, which is never dereferenced.
fn tag(number: usize) -> *mut c_void {
    std::ptr::without_provenance_mut(number)
}

fn end(mut poller: *mut c_void) {
    // SAFETY: a live handle.
    assert_eq!(unsafe { zmq_poller_destroy(&mut poller) }, 0);
    assert!(poller.is_null());
}

#[test]
fn a_poller_reports_what_has_events_in_order() {
    let sockets = Sockets::new(2);
    let poller = zmq_poller_new();
    let mut events = [CLEARED; 5];
    // SAFETY: live handles and room for the events.
    unsafe {
        for (index, socket) in sockets.all.iter().enumerate() {
            assert_eq!(zmq_poller_add(poller, socket.handle(), tag(index), IN), 0);
        }
        assert_eq!(zmq_poller_size(poller), 4);
        let at = events.as_mut_ptr();
        assert_eq!(failure(zmq_poller_wait_all(poller, at, 5, 0)), libc::EAGAIN);
        sockets.send(0);
        sockets.send(3);
        assert_eq!(zmq_poller_wait_all(poller, at, 5, -1), 2);
        let found = events.map(|event| (event.socket, event.user_data as usize, event.events));
        assert_eq!(found[0], (sockets.handle(1), 1, IN));
        assert_eq!(found[1], (sockets.handle(2), 2, IN));
        assert_eq!(found[2..], [(null_mut(), 0, 0); 3]);
        assert!(events.iter().all(|event| event.fd == -1));
        // One at a time: the first, until it has nothing more.
        assert_eq!(zmq_poller_wait(poller, at, 1000), 0);
        assert_eq!(events[0].user_data, tag(1));
        sockets.recv(1);
        assert_eq!(zmq_poller_wait(poller, at, 1000), 0);
        assert_eq!(events[0].user_data, tag(2));
        assert_eq!(zmq_poller_modify(poller, sockets.handle(2), OUT), 0);
        assert_eq!(zmq_poller_wait(poller, at, 1000), 0);
        assert_eq!((events[0].user_data, events[0].events), (tag(2), OUT));
        assert_eq!(zmq_poller_remove(poller, sockets.handle(2)), 0);
        assert_eq!(failure(zmq_poller_wait(poller, at, 1)), libc::EAGAIN);
        assert!(events[0].socket.is_null() && events[0].events == 0);
    }
    end(poller);
}

#[test]
fn descriptors_and_sockets_go_together() {
    let sockets = Sockets::new(1);
    let poller = zmq_poller_new();
    let mut ends = [0; 2];
    let mut event = CLEARED;
    // SAFETY: live handles and descriptors, room for the event and for two descriptors.
    unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        assert_eq!(zmq_poller_add(poller, sockets.handle(0), null_mut(), IN), 0);
        assert_eq!(zmq_poller_add_fd(poller, ends[0], tag(7), IN), 0);
        assert_eq!(
            failure(zmq_poller_wait(poller, &mut event, 0)),
            libc::EAGAIN
        );
        assert_eq!(libc::write(ends[1], c"x".as_ptr().cast(), 1), 1);
        assert_eq!(zmq_poller_wait(poller, &mut event, -1), 0);
        assert_eq!(
            (event.fd, event.user_data, event.events),
            (ends[0], tag(7), IN)
        );
        // Without events it is not polled, though its other end is closed.
        assert_eq!(zmq_poller_modify_fd(poller, ends[0], 0), 0);
        libc::close(ends[1]);
        sockets.send(1);
        assert_eq!(zmq_poller_wait(poller, &mut event, -1), 0);
        assert_eq!((event.fd, event.socket), (-1, sockets.handle(0)));
        assert_eq!(zmq_poller_remove_fd(poller, ends[0]), 0);
        assert_eq!(failure(zmq_poller_remove_fd(poller, ends[0])), libc::EINVAL);
        libc::close(ends[0]);
    }
    end(poller);
}

#[test]
fn wrong_arguments() {
    let sockets = Sockets::new(1);
    let (socket, poller) = (sockets.handle(0), zmq_poller_new());
    let mut event = CLEARED;
    // SAFETY: live handles or NULL, and room for the event.
    unsafe {
        let none = null_mut();
        for wrong in [none, socket] {
            assert_eq!(failure(zmq_poller_size(wrong)), libc::EFAULT);
            assert_eq!(
                failure(zmq_poller_add(wrong, socket, none, IN)),
                libc::EFAULT
            );
            assert_eq!(failure(zmq_poller_wait(wrong, &mut event, 0)), libc::EFAULT);
        }
        assert_eq!(failure(zmq_poller_destroy(none.cast())), libc::EFAULT);
        assert_eq!(
            failure(zmq_poller_add(poller, none, none, IN)),
            libc::ENOTSOCK
        );
        assert_eq!(failure(zmq_poller_modify(poller, none, IN)), libc::ENOTSOCK);
        assert_eq!(failure(zmq_poller_remove(poller, none)), libc::ENOTSOCK);
        assert_eq!(
            failure(zmq_poller_add_fd(poller, -1, none, IN)),
            libc::EBADF
        );
        assert_eq!(failure(zmq_poller_modify_fd(poller, -1, IN)), libc::EBADF);
        assert_eq!(failure(zmq_poller_remove_fd(poller, -1)), libc::EBADF);
        assert_eq!(
            failure(zmq_poller_add(poller, socket, none, 16)),
            libc::EINVAL
        );
        assert_eq!(failure(zmq_poller_modify(poller, socket, IN)), libc::EINVAL);
        assert_eq!(zmq_poller_add(poller, socket, none, 0), 0);
        assert_eq!(
            failure(zmq_poller_add(poller, socket, none, IN)),
            libc::EINVAL
        );
        assert_eq!(failure(zmq_poller_modify(poller, socket, 16)), libc::EINVAL);
        // Nothing to wait for: an end in time, never without end.
        let at = &raw mut event;
        assert_eq!(failure(zmq_poller_wait(poller, at, -1)), libc::EFAULT);
        assert_eq!(failure(zmq_poller_wait(poller, at, 1)), libc::EAGAIN);
        let every = c_short::MAX & (ZMQ_POLLERR as c_short | IN | OUT);
        assert_eq!(zmq_poller_modify(poller, socket, every), 0);
        assert_eq!(
            failure(zmq_poller_wait_all(poller, at, 0, -1)),
            libc::EFAULT
        );
        assert_eq!(
            failure(zmq_poller_wait_all(poller, at, -1, 0)),
            libc::EINVAL
        );
        assert_eq!(
            failure(zmq_poller_wait_all(poller, none.cast(), 1, 0)),
            libc::EFAULT
        );
        assert_eq!(
            failure(zmq_poller_wait(poller, none.cast(), 0)),
            libc::EFAULT
        );
        assert_eq!(zmq_poller_wait(poller, at, 0), 0);
        sockets.context.shutdown().unwrap();
        assert_eq!(failure(zmq_poller_wait(poller, at, -1)), ETERM);
        assert_eq!(zmq_poller_remove(poller, socket), 0);
    }
    end(poller);
}
