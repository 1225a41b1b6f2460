//! What libzmq does not survive: bad handles, shared sockets, closing under a
//! blocked call. Through the exported functions, in this process.

mod common;

use common::{Context, Message, Socket};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use zmq::abi::errors::ETERM;
use zmq::capi::types::{zmq_msg_t, zmq_pollitem_t};
use zmq::capi::{ctx::*, errors::*, msg::*, poll::*, socket::*, transfer::*};

const PULL: c_int = 7;
const PUSH: c_int = 8;
const DEALER: c_int = 5;
const DONTWAIT: c_int = 1;
const RCVTIMEO: c_int = 27;

fn join(a: Socket, b: Socket, endpoint: &str) {
    a.bind(endpoint).unwrap();
    b.connect(endpoint).unwrap();
}

/// All calls on what is no socket answer ENOTSOCK.
fn refused(handle: *mut c_void) {
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>();
    let mut item = zmq_pollitem_t {
        socket: handle,
        fd: 0,
        events: 1,
        revents: std::mem::MaybeUninit::uninit(),
    };
    let msg = Message::empty();
    // SAFETY: handles may be anything; the other pointers are valid.
    unsafe {
        let calls: [(&str, c_int); 9] = [
            ("zmq_close", zmq_close(handle)),
            ("zmq_send", zmq_send(handle, ptr::null(), 0, DONTWAIT)),
            ("zmq_recv", zmq_recv(handle, ptr::null_mut(), 0, DONTWAIT)),
            ("zmq_msg_send", zmq_msg_send(msg.raw(), handle, DONTWAIT)),
            ("zmq_msg_recv", zmq_msg_recv(msg.raw(), handle, DONTWAIT)),
            ("zmq_bind", zmq_bind(handle, c"inproc://x".as_ptr())),
            (
                "zmq_disconnect",
                zmq_disconnect(handle, c"inproc://x".as_ptr()),
            ),
            (
                "zmq_getsockopt",
                zmq_getsockopt(handle, RCVTIMEO, (&raw mut value).cast(), &mut size),
            ),
            (
                "zmq_socket_monitor",
                zmq_socket_monitor(handle, ptr::null(), 0),
            ),
        ];
        for (name, rc) in calls {
            assert_eq!(rc, -1, "{name} on {handle:?}");
        }
        assert_eq!(zmq_send(handle, ptr::null(), 0, 0), -1);
        assert_eq!(zmq_errno(), libc::ENOTSOCK);
        if !handle.is_null() {
            assert_eq!(zmq_poll(&mut item, 1, 0), -1);
            assert_eq!(zmq_errno(), libc::ENOTSOCK);
        }
    }
}

#[test]
fn what_is_no_socket_is_refused() {
    let ctx = Context::new();
    let live = ctx.socket(DEALER).unwrap();
    let closed = ctx.socket(DEALER).unwrap();
    closed.close().unwrap();
    let mut local = [0u64; 32];
    refused(ptr::null_mut());
    refused(closed.handle());
    refused(ctx.handle());
    refused(local.as_mut_ptr().cast());
    refused((live.handle() as usize + 1) as *mut c_void);
    refused(8 as *mut c_void);
    refused(usize::MAX as *mut c_void);
    live.close().unwrap();
    ctx.terminate().unwrap();
    for bad in [
        ptr::null_mut(),
        live.handle(),
        ctx.handle(),
        16 as *mut c_void,
    ] {
        // SAFETY: safe for any pointer.
        unsafe {
            assert!(zmq_socket(bad, DEALER).is_null());
            assert_eq!(zmq_errno(), libc::EFAULT);
            assert_eq!(zmq_ctx_term(bad), -1);
            assert_eq!(zmq_errno(), libc::EFAULT);
            assert_eq!(zmq_ctx_get(bad, 1), -1);
            assert_eq!(zmq_errno(), libc::EFAULT);
        }
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let mut memory = [0u64; 8];
    let msg: *mut zmq_msg_t = memory.as_mut_ptr().cast();
    // SAFETY: 64 aligned bytes of our own.
    unsafe {
        assert_eq!(zmq_msg_close(msg), -1);
        assert_eq!(zmq_errno(), libc::EFAULT);
        assert_eq!(zmq_msg_init(msg), 0);
        assert_eq!(zmq_msg_close(msg), 0);
        assert_eq!(zmq_msg_close(msg), -1);
        assert_eq!(zmq_msg_size(msg), 0);
        assert!(zmq_msg_data(msg).is_null());
        assert_eq!(zmq_msg_init(msg), 0);
        assert_eq!(zmq_msg_copy(msg, msg), 0, "onto itself");
        assert_eq!(zmq_msg_move(msg, msg), 0, "onto itself");
        assert_eq!(zmq_msg_close(msg), 0);
        assert_eq!(zmq_msg_init(ptr::null_mut()), -1);
    }
}

/// Several threads send on one socket and several receive on another.
fn shared(endpoint: &str) {
    const THREADS: u64 = 3;
    const EACH: u64 = 20_000;
    let ctx = Context::new();
    let (pull, push) = (ctx.socket(PULL).unwrap(), ctx.socket(PUSH).unwrap());
    pull.set(RCVTIMEO, 5_000).unwrap();
    join(pull, push, endpoint);
    let (count, sum) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for i in 0..EACH {
                    let value = thread * EACH + i;
                    push.send(&value.to_ne_bytes(), 0).unwrap();
                }
            });
            let (count, sum) = (&count, &sum);
            scope.spawn(move || {
                while count.fetch_add(1, Ordering::SeqCst) < THREADS * EACH {
                    let mut value = [0; 8];
                    assert_eq!(pull.recv_into(&mut value, 0), Ok(8));
                    sum.fetch_add(u64::from_ne_bytes(value), Ordering::SeqCst);
                }
            });
        }
    });
    let all = THREADS * EACH;
    assert_eq!(sum.load(Ordering::SeqCst), all * (all - 1) / 2);
    push.close().unwrap();
    pull.close().unwrap();
    ctx.terminate().unwrap();
}

#[test]
fn threads_may_share_a_socket_over_inproc() {
    shared("inproc://shared");
}

#[test]
fn threads_may_share_a_socket_over_ipc() {
    shared("ipc://@ferrozmq-test-shared");
}

/// Runs `end` while another thread blocks in a receive; returns that one's errno.
fn interrupted_by(end: impl FnOnce(Context, Socket)) -> c_int {
    let ctx = Context::new();
    let pull = ctx.socket(PULL).unwrap();
    pull.set(RCVTIMEO, 10_000).unwrap();
    let begun = Instant::now();
    let code = std::thread::scope(|scope| {
        let blocked = scope.spawn(move || pull.recv_into(&mut [], 0).unwrap_err());
        std::thread::sleep(Duration::from_millis(50)); // either order is right
        end(ctx, pull);
        blocked.join().unwrap()
    });
    assert!(begun.elapsed() < Duration::from_secs(5));
    let _ = pull.close(); // or closed already
    ctx.terminate().unwrap();
    code
}

#[test]
fn shutdown_ends_a_blocked_call() {
    let code = interrupted_by(|ctx, _| ctx.shutdown().unwrap());
    assert_eq!(code, ETERM);
}

#[test]
fn close_ends_a_blocked_call() {
    assert_eq!(
        interrupted_by(|_, pull| pull.close().unwrap()),
        libc::ENOTSOCK
    );
}
