//! What libzmq does not survive: bad handles, shared sockets, closing under a
//! blocked call. Through the exported functions, in this process.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use zmq::capi::{ctx::*, errors::*, msg::*, poll::*, socket::*, transfer::*};
use zmq::message::Msg;

const PULL: c_int = 7;
const PUSH: c_int = 8;
const DEALER: c_int = 5;
const DONTWAIT: c_int = 1;
const RCVTIMEO: c_int = 27;
const ETERM: c_int = 156_384_765;

/// A pointer that may go to another thread.
#[derive(Clone, Copy)]
struct Handle(*mut c_void);
// SAFETY: the library promises that handles may be used from any thread.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    fn get(self) -> *mut c_void {
        self.0
    }
}

fn errno() -> c_int {
    zmq_errno()
}

fn context() -> Handle {
    // SAFETY: always safe.
    Handle(unsafe { zmq_ctx_new() })
}

fn socket(ctx: Handle, kind: c_int) -> Handle {
    // SAFETY: safe for any pointer.
    let socket = unsafe { zmq_socket(ctx.0, kind) };
    assert!(!socket.is_null());
    Handle(socket)
}

fn set_timeout(socket: Handle, millis: c_int) {
    let value: *const c_int = &millis;
    // SAFETY: the value is valid for its size.
    let rc = unsafe { zmq_setsockopt(socket.0, RCVTIMEO, value.cast(), size_of::<c_int>()) };
    assert_eq!(rc, 0);
}

fn join(a: Handle, b: Handle, endpoint: &std::ffi::CStr) {
    // SAFETY: the endpoint is a string.
    unsafe {
        assert_eq!(zmq_bind(a.0, endpoint.as_ptr()), 0);
        assert_eq!(zmq_connect(b.0, endpoint.as_ptr()), 0);
    }
}

fn close(socket: Handle) {
    // SAFETY: safe for any pointer.
    assert_eq!(unsafe { zmq_close(socket.0) }, 0);
}

fn term(ctx: Handle) {
    // SAFETY: safe for any pointer.
    assert_eq!(unsafe { zmq_ctx_term(ctx.0) }, 0);
}

/// All calls on what is no socket answer ENOTSOCK.
fn refused(handle: *mut c_void) {
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>();
    let mut item = zmq::capi::types::zmq_pollitem_t {
        socket: handle,
        fd: 0,
        events: 1,
        revents: std::mem::MaybeUninit::uninit(),
    };
    let mut msg = Msg::new();
    // SAFETY: handles may be anything; the other pointers are valid.
    unsafe {
        let calls: [(&str, c_int); 9] = [
            ("zmq_close", zmq_close(handle)),
            ("zmq_send", zmq_send(handle, ptr::null(), 0, DONTWAIT)),
            ("zmq_recv", zmq_recv(handle, ptr::null_mut(), 0, DONTWAIT)),
            ("zmq_msg_send", zmq_msg_send(&mut msg, handle, DONTWAIT)),
            ("zmq_msg_recv", zmq_msg_recv(&mut msg, handle, DONTWAIT)),
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
        assert_eq!(errno(), libc::ENOTSOCK);
        if !handle.is_null() {
            assert_eq!(zmq_poll(&mut item, 1, 0), -1);
            assert_eq!(errno(), libc::ENOTSOCK);
        }
    }
}

#[test]
fn what_is_no_socket_is_refused() {
    let ctx = context();
    let live = socket(ctx, DEALER);
    let closed = socket(ctx, DEALER);
    close(closed);
    let mut local = [0u64; 32];
    refused(ptr::null_mut());
    refused(closed.0);
    refused(ctx.0);
    refused(local.as_mut_ptr().cast());
    refused((live.0 as usize + 1) as *mut c_void);
    refused(8 as *mut c_void);
    refused(usize::MAX as *mut c_void);
    close(live);
    term(ctx);
    for bad in [ptr::null_mut(), live.0, ctx.0, 16 as *mut c_void] {
        // SAFETY: safe for any pointer.
        unsafe {
            assert!(zmq_socket(bad, DEALER).is_null());
            assert_eq!(errno(), libc::EFAULT);
            assert_eq!(zmq_ctx_term(bad), -1);
            assert_eq!(errno(), libc::EFAULT);
            assert_eq!(zmq_ctx_get(bad, 1), -1);
            assert_eq!(errno(), libc::EFAULT);
        }
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let mut memory = [0u64; 8];
    let msg: *mut Msg = memory.as_mut_ptr().cast();
    // SAFETY: 64 aligned bytes of our own.
    unsafe {
        assert_eq!(zmq_msg_close(msg), -1);
        assert_eq!(errno(), libc::EFAULT);
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
fn shared(endpoint: &std::ffi::CStr) {
    const THREADS: u64 = 3;
    const EACH: u64 = 20_000;
    let ctx = context();
    let (pull, push) = (socket(ctx, PULL), socket(ctx, PUSH));
    set_timeout(pull, 5_000);
    join(pull, push, endpoint);
    let (count, sum) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for i in 0..EACH {
                    let value = thread * EACH + i;
                    let value: *const u64 = &value;
                    // SAFETY: the buffer is valid for its size.
                    assert_eq!(unsafe { zmq_send(push.get(), value.cast(), 8, 0) }, 8);
                }
            });
            let (count, sum) = (&count, &sum);
            scope.spawn(move || {
                while count.fetch_add(1, Ordering::SeqCst) < THREADS * EACH {
                    let mut value = 0u64;
                    // SAFETY: the buffer is valid for its size.
                    let rc = unsafe { zmq_recv(pull.get(), (&raw mut value).cast(), 8, 0) };
                    assert_eq!(rc, 8, "errno {}", errno());
                    sum.fetch_add(value, Ordering::SeqCst);
                }
            });
        }
    });
    let all = THREADS * EACH;
    assert_eq!(sum.load(Ordering::SeqCst), all * (all - 1) / 2);
    close(push);
    close(pull);
    term(ctx);
}

#[test]
fn threads_may_share_a_socket_over_inproc() {
    shared(c"inproc://shared");
}

#[test]
fn threads_may_share_a_socket_over_ipc() {
    shared(c"ipc://@ferrozmq-test-shared");
}

/// Runs `end` while another thread blocks in a receive; returns that one's errno.
fn interrupted_by(end: impl FnOnce(Handle, Handle)) -> c_int {
    let ctx = context();
    let pull = socket(ctx, PULL);
    set_timeout(pull, 10_000);
    let begun = Instant::now();
    let code = std::thread::scope(|scope| {
        let blocked = scope.spawn(move || {
            // SAFETY: no buffer is needed for length 0.
            let rc = unsafe { zmq_recv(pull.get(), ptr::null_mut(), 0, 0) };
            assert_eq!(rc, -1);
            errno()
        });
        std::thread::sleep(Duration::from_millis(50)); // either order is right
        end(ctx, pull);
        blocked.join().unwrap()
    });
    assert!(begun.elapsed() < Duration::from_secs(5));
    // SAFETY: safe for any pointer, closed or not.
    unsafe { zmq_close(pull.0) };
    term(ctx);
    code
}

#[test]
fn shutdown_ends_a_blocked_call() {
    // SAFETY: safe for any pointer.
    let code = interrupted_by(|ctx, _| assert_eq!(unsafe { zmq_ctx_shutdown(ctx.0) }, 0));
    assert_eq!(code, ETERM);
}

#[test]
fn close_ends_a_blocked_call() {
    assert_eq!(interrupted_by(|_, pull| close(pull)), libc::ENOTSOCK);
}
