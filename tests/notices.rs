//! Messages that a socket sends to each new peer, or receives about a peer, and the state of a
//! peer: draft options and functions, as a C program uses them.

use std::ffi::{CString, c_int, c_void};
use std::ptr::null;
use zmq::abi::numbers::draft::{ZMQ_NOTIFY_CONNECT, ZMQ_NOTIFY_DISCONNECT};
use zmq::abi::numbers::*;
use zmq::abi::options::draft::*;
use zmq::abi::options::*;
use zmq::capi::{ctx::*, draft::*, errors::zmq_errno, socket::*, transfer::*};

struct Context(*mut c_void);

impl Context {
    fn new() -> Context {
        // SAFETY: as its documentation says, without conditions.
        Context(unsafe { zmq_ctx_new() })
    }

    fn socket(&self, kind: c_int) -> Socket {
        // SAFETY: a live context.
        let socket = Socket(unsafe { zmq_socket(self.0, kind) });
        socket.set(ZMQ_RCVTIMEO, &5000i32.to_ne_bytes());
        socket.set(ZMQ_LINGER, &0i32.to_ne_bytes());
        socket
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: a live context whose sockets are closed.
        unsafe { zmq_ctx_term(self.0) };
    }
}

struct Socket(*mut c_void);

impl Socket {
    fn try_set(&self, option: c_int, value: &[u8]) -> c_int {
        // SAFETY: a live socket and a value of that length.
        unsafe { zmq_setsockopt(self.0, option, value.as_ptr().cast(), value.len()) }
    }

    fn set(&self, option: c_int, value: &[u8]) {
        assert_eq!(self.try_set(option, value), 0);
    }

    fn bind(&self, endpoint: &str) -> CString {
        let text = CString::new(endpoint).unwrap();
        let (mut bound, mut size) = ([0u8; 100], 100);
        // SAFETY: a live socket, a string, and room of the given size.
        unsafe {
            assert_eq!(zmq_bind(self.0, text.as_ptr()), 0);
            let got = zmq_getsockopt(
                self.0,
                ZMQ_LAST_ENDPOINT,
                bound.as_mut_ptr().cast(),
                &mut size,
            );
            assert_eq!(got, 0);
        }
        CString::new(&bound[..size - 1]).unwrap()
    }

    fn connect(&self, endpoint: &CString) {
        // SAFETY: a live socket and a string.
        assert_eq!(unsafe { zmq_connect(self.0, endpoint.as_ptr()) }, 0);
    }

    fn disconnect(&self, endpoint: &CString) {
        // SAFETY: a live socket and a string.
        assert_eq!(unsafe { zmq_disconnect(self.0, endpoint.as_ptr()) }, 0);
    }

    fn send(&self, text: &str, flags: c_int) -> c_int {
        // SAFETY: a live socket and bytes of that length.
        unsafe { zmq_send(self.0, text.as_ptr().cast(), text.len(), flags) }
    }

    /// The next part.
    fn recv(&self) -> String {
        let mut bytes = [0u8; 100];
        // SAFETY: a live socket and room of the given size.
        let size = unsafe { zmq_recv(self.0, bytes.as_mut_ptr().cast(), bytes.len(), 0) };
        let size = usize::try_from(size).unwrap_or_else(|_| panic!("errno {}", zmq_errno()));
        String::from_utf8_lossy(&bytes[..size]).into_owned()
    }

    fn state(&self, id: &str) -> Result<c_int, c_int> {
        // SAFETY: bytes of that length; any pointer for the socket.
        match unsafe { zmq_socket_get_peer_state(self.0, id.as_ptr().cast(), id.len()) } {
            -1 => Err(zmq_errno()),
            state => Ok(state),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: a live socket.
        unsafe { zmq_close(self.0) };
    }
}

const ENDPOINTS: [&str; 3] = ["tcp://127.0.0.1:*", "ipc://*", "inproc://notices"];

#[test]
fn a_router_hears_of_a_dealer_that_comes_and_goes() {
    for endpoint in ENDPOINTS {
        let context = Context::new();
        let router = context.socket(ZMQ_ROUTER);
        router.set(ZMQ_HELLO_MSG, b"welcome");
        router.set(ZMQ_DISCONNECT_MSG, b"gone");
        let bound = router.bind(endpoint);
        for leaves in ["disconnects", "closes"] {
            let dealer = context.socket(ZMQ_DEALER);
            dealer.set(ZMQ_HELLO_MSG, b"hello");
            dealer.set(ZMQ_ROUTING_ID, leaves.as_bytes());
            dealer.connect(&bound);
            assert_eq!(dealer.recv(), "welcome");
            for expected in [leaves, "hello"] {
                assert_eq!(router.recv(), expected, "{endpoint}");
            }
            assert_eq!(router.state(leaves), Ok(ZMQ_POLLOUT));
            assert_eq!(dealer.send("last", 0), 4);
            assert_eq!([router.recv(), router.recv()], [leaves, "last"]);
            // A message that is never finished.
            assert_eq!(dealer.send("part", ZMQ_SNDMORE), 4);
            if leaves == "disconnects" {
                dealer.disconnect(&bound);
                assert_eq!([router.recv(), router.recv()], [leaves, "gone"]);
            }
            drop(dealer);
        }
        assert_eq!([router.recv(), router.recv()], ["closes", "gone"]);
    }
}

#[test]
fn an_inproc_peer_that_connects_before_the_bind_is_greeted_too() {
    let context = Context::new();
    let dealer = context.socket(ZMQ_DEALER);
    dealer.set(ZMQ_HELLO_MSG, b"hello");
    dealer.set(ZMQ_ROUTING_ID, b"d");
    dealer.connect(&c"inproc://late".to_owned());
    let router = context.socket(ZMQ_ROUTER);
    router.set(ZMQ_HELLO_MSG, b"welcome");
    router.set(ZMQ_DISCONNECT_MSG, b"gone");
    router.bind("inproc://late");
    assert_eq!(dealer.recv(), "welcome");
    assert_eq!([router.recv(), router.recv()], ["d", "hello"]);
    drop(dealer);
    assert_eq!([router.recv(), router.recv()], ["d", "gone"]);
}

#[test]
fn a_dealer_receives_a_message_when_its_router_is_lost() {
    let context = Context::new();
    let dealer = context.socket(ZMQ_DEALER);
    dealer.set(ZMQ_HICCUP_MSG, b"hiccup");
    let router = context.socket(ZMQ_ROUTER);
    router.set(ZMQ_HELLO_MSG, b"welcome");
    dealer.connect(&router.bind("tcp://127.0.0.1:*"));
    assert_eq!(dealer.recv(), "welcome");
    drop(router);
    assert_eq!(dealer.recv(), "hiccup");
}

#[test]
fn a_router_is_notified_of_connections() {
    let both = ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT;
    for flags in [ZMQ_NOTIFY_CONNECT, ZMQ_NOTIFY_DISCONNECT, both] {
        let context = Context::new();
        let router = context.socket(ZMQ_ROUTER);
        router.set(ZMQ_ROUTER_NOTIFY, &flags.to_ne_bytes());
        let dealer = context.socket(ZMQ_DEALER);
        dealer.set(ZMQ_ROUTING_ID, b"d");
        let bound = router.bind("tcp://127.0.0.1:*");
        dealer.connect(&bound);
        assert_eq!(dealer.send("first", 0), 5);
        if flags & ZMQ_NOTIFY_CONNECT != 0 {
            assert_eq!([router.recv(), router.recv()], ["d", ""]);
        }
        assert_eq!([router.recv(), router.recv()], ["d", "first"]);
        drop(dealer);
        if flags & ZMQ_NOTIFY_DISCONNECT != 0 {
            assert_eq!([router.recv(), router.recv()], ["d", ""]);
        }
    }
    let context = Context::new();
    let dealer = context.socket(ZMQ_DEALER);
    assert_eq!(dealer.try_set(ZMQ_ROUTER_NOTIFY, &1i32.to_ne_bytes()), -1);
    assert_eq!(zmq_errno(), libc::EINVAL);
}

/// What a REQ or a REP cannot tell from a request or a reply has no effect on them.
#[test]
fn requests_and_replies_are_not_disturbed() {
    let context = Context::new();
    let rep = context.socket(ZMQ_REP);
    rep.set(ZMQ_ROUTER_NOTIFY, &3i32.to_ne_bytes());
    rep.set(ZMQ_DISCONNECT_MSG, b"gone");
    let bound = rep.bind("tcp://127.0.0.1:*");
    for _ in 0..2 {
        let req = context.socket(ZMQ_REQ);
        req.set(ZMQ_HELLO_MSG, b"hello");
        req.set(ZMQ_HICCUP_MSG, b"hiccup");
        req.connect(&bound);
        assert_eq!(req.send("question", 0), 8);
        assert_eq!(rep.recv(), "question");
        assert_eq!(rep.send("answer", 0), 6);
        assert_eq!(req.recv(), "answer");
    }
}

#[test]
fn errors_of_the_peer_state() {
    let context = Context::new();
    let router = context.socket(ZMQ_ROUTER);
    assert_eq!(router.state("nobody"), Err(libc::EHOSTUNREACH));
    assert_eq!(context.socket(ZMQ_DEALER).state("d"), Err(libc::ENOTSUP));
    // SAFETY: as its documentation says: a NULL pointer is an error.
    unsafe {
        let null_socket = zmq_socket_get_peer_state(std::ptr::null_mut(), null(), 0);
        assert_eq!((null_socket, zmq_errno()), (-1, libc::ENOTSOCK));
        let null_id = zmq_socket_get_peer_state(router.0, null(), 3);
        assert_eq!((null_id, zmq_errno()), (-1, libc::EINVAL));
    }
}
