//! `zmq_ppoll`, as a C program uses it, in a process of its own, since signals and the
//! limit of descriptors belong to the process.

use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use zmq::abi::numbers::{ZMQ_PAIR, ZMQ_POLLIN};
use zmq::capi::types::zmq_pollitem_t;
use zmq::capi::{ctx::*, draft::zmq_ppoll, errors::zmq_errno, socket::*, transfer::*};

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_signal: c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

fn item(socket: *mut c_void, fd: c_int) -> zmq_pollitem_t {
    // SAFETY: plain numbers and a pointer, for which zero is valid.
    let mut item: zmq_pollitem_t = unsafe { std::mem::zeroed() };
    (item.socket, item.fd, item.events) = (socket, fd, ZMQ_POLLIN as i16);
    item
}

fn revents(item: &zmq_pollitem_t) -> i16 {
    // SAFETY: zero at first, and written by a poll.
    unsafe { item.revents.assume_init() }
}

fn ppoll(items: &mut [zmq_pollitem_t], timeout: i64, mask: *const libc::sigset_t) -> c_int {
    // SAFETY: items of that number, and a valid mask or none.
    match unsafe { zmq_ppoll(items.as_mut_ptr(), items.len() as c_int, timeout, mask) } {
        -1 => -zmq_errno(),
        count => count,
    }
}

/// Blocks SIGUSR1 in this thread; returns the mask without it.
fn block() -> libc::sigset_t {
    // SAFETY: sets and an action of the right types; the handler only counts.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, null_mut()), 0);
        let (mut set, mut old) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, &mut old);
        libc::sigdelset(&mut old, libc::SIGUSR1);
        old
    }
}

/// One test, so that no other thread of the program takes the signals.
#[test]
fn ppoll_sleeps_with_another_signal_mask() {
    let unblocked = block();
    // SAFETY: as the documentation of the functions says; handles are live.
    let (context, ends) = unsafe {
        let context = zmq_ctx_new();
        let ends = [0; 2].map(|_| zmq_socket(context, ZMQ_PAIR));
        assert_eq!(zmq_bind(ends[0], c"inproc://ppoll".as_ptr()), 0);
        assert_eq!(zmq_connect(ends[1], c"inproc://ppoll".as_ptr()), 0);
        (context, ends)
    };
    // SAFETY: the calling thread is alive.
    let raise = || unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1) };
    // Time passes, with a mask and without.
    let begun = Instant::now();
    for mask in [null(), &raw const unblocked] {
        assert_eq!(ppoll(&mut [item(ends[0], 0)], 20, mask), 0);
        assert_eq!(ppoll(&mut [item(ends[0], 0)], 0, mask), 0);
        assert_eq!(ppoll(&mut [], 1, mask), 0);
    }
    assert!(begun.elapsed() >= Duration::from_millis(40));
    // A pending signal, for a poll that waits and one that does not.
    for (number, timeout) in [-1, 1000, 0].into_iter().enumerate() {
        raise();
        assert_eq!(SIGNALS.load(Ordering::Relaxed), number, "it is blocked");
        let outcome = ppoll(&mut [item(ends[0], 0)], timeout, &unblocked);
        assert_eq!(
            (outcome, SIGNALS.load(Ordering::Relaxed)),
            (-libc::EINTR, number + 1)
        );
    }
    // Without a mask it stays blocked, and events come before signals.
    raise();
    assert_eq!(ppoll(&mut [item(ends[0], 0)], 10, null()), 0);
    // SAFETY: a live socket and one byte.
    assert_eq!(unsafe { zmq_send(ends[1], c"x".as_ptr().cast(), 1, 0) }, 1);
    let mut items = [item(ends[0], 0)];
    assert_eq!(ppoll(&mut items, -1, &unblocked), 1);
    assert_eq!(
        (revents(&items[0]), SIGNALS.load(Ordering::Relaxed)),
        (ZMQ_POLLIN as i16, 3)
    );
    // SAFETY: a live socket, and no room.
    assert_eq!(unsafe { zmq_recv(ends[0], null_mut(), 0, 0) }, 1);
    assert_eq!(ppoll(&mut items, -1, &unblocked), -libc::EINTR);
    // A message and a signal that come during the sleep.
    let socket = ends[1] as usize;
    // SAFETY: without conditions.
    let this = unsafe { libc::pthread_self() };
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        // SAFETY: a live socket and one byte.
        let sent = unsafe { zmq_send(socket as *mut c_void, c"x".as_ptr().cast(), 1, 0) };
        assert_eq!(sent, 1);
    });
    assert_eq!(ppoll(&mut items, 5000, &unblocked), 1);
    sender.join().unwrap();
    // SAFETY: a live socket, and no room.
    assert_eq!(unsafe { zmq_recv(ends[0], null_mut(), 0, 0) }, 1);
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        // SAFETY: the main thread of the test waits for this one.
        unsafe { libc::pthread_kill(this, libc::SIGUSR1) };
    });
    assert_eq!(ppoll(&mut items, 5000, &unblocked), -libc::EINTR);
    sender.join().unwrap();
    // A descriptor above FD_SETSIZE.
    // SAFETY: the pipe's ends are this test's.
    unsafe {
        let mut fds = [0; 2];
        assert_eq!(libc::pipe(fds.as_mut_ptr()), 0);
        let high = libc::fcntl(fds[0], libc::F_DUPFD, 2000);
        if high >= 0 {
            assert_eq!(ppoll(&mut [item(null_mut(), high)], 0, &unblocked), 0);
            assert_eq!(libc::write(fds[1], c"x".as_ptr().cast(), 1), 1);
            let mut items = [item(null_mut(), high), item(ends[0], 0)];
            assert_eq!(ppoll(&mut items, -1, &unblocked), 1);
            assert_eq!(
                (revents(&items[0]), revents(&items[1])),
                (ZMQ_POLLIN as i16, 0)
            );
        }
    }
    // Errors.
    // SAFETY: NULL and a negative number are errors.
    unsafe {
        assert_eq!(
            (zmq_ppoll(null_mut(), 1, 0, null()), zmq_errno()),
            (-1, libc::EFAULT)
        );
        assert_eq!(
            (zmq_ppoll(null_mut(), -1, 0, null()), zmq_errno()),
            (-1, libc::EINVAL)
        );
    }
    assert_eq!(
        ppoll(&mut [item(context, 0)], 0, &unblocked),
        -libc::ENOTSOCK
    );
    // SAFETY: live handles.
    unsafe {
        assert_eq!(ends.map(|end| zmq_close(end)), [0, 0]);
        zmq_ctx_term(context);
    }
}
