//! Tests: a panic inside the library costs one call or one connection, and no more.
//!
//! The panics come from a [`Link`] that passes all else on to the socket's own; the library
//! does not panic on purpose.

#![forbid(unsafe_code)]

use crate::abi::numbers::{ZMQ_PULL, ZMQ_PUSH};
use crate::abi::options::*;
use crate::abi::socket_type::SocketType;
use crate::connection::{
    Acceptor, Authentication, Diagnostics, Driving, Engine, Event, Membership, OpenQuestion,
    Settings, ZapClient, ZapQuery,
};
use crate::error::{Error, Result};
use crate::io_policy::Wakeup;
use crate::options::{ContextOptions, Options};
use crate::pipe::PipeEnd;
use crate::reactor::Reactor;
use crate::runtime::shared::Shared;
use crate::runtime::socket::endpoints;
use crate::runtime::{context, socket};
use crate::sys::log::Origin;
use crate::sys::panics::contain;
use crate::transport::Endpoint;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// A socket's link that panics the given number of times when bytes arrive, and when a
/// connection ends.
struct Faulty {
    link: Arc<Shared>,
    at_input: AtomicU32,
    at_end: AtomicU32,
    ended: AtomicU32,
}

fn panic_once(times: &AtomicU32) {
    if times
        .fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1))
        .is_ok()
    {
        panic!("on purpose");
    }
}

impl Membership for Faulty {
    fn reactor(&self, affinity: u64) -> Option<Arc<Reactor>> {
        self.link.reactor(affinity)
    }

    fn opened(&self, connection: Arc<dyn Engine>) {
        self.link.opened(connection);
    }

    fn attach(&self, pipe: PipeEnd) {
        self.link.attach(pipe);
    }

    fn wants_routing_id(&self) -> bool {
        self.link.wants_routing_id()
    }

    fn linger(&self) -> i32 {
        self.link.linger()
    }

    fn gave_up(&self, connection: Weak<dyn Engine>, endpoint_stays: bool) {
        self.link.gave_up(connection, endpoint_stays);
    }

    fn report_unread(&self, bytes: u64) {
        self.link.report_unread(bytes);
    }

    fn finished(&self, connection: &dyn Engine) {
        panic_once(&self.at_end);
        self.link.finished(connection);
        self.ended.fetch_add(1, SeqCst);
    }
}

impl Diagnostics for Faulty {
    fn origin(&self) -> Origin {
        Origin::LIBRARY
    }

    fn is_monitored(&self) -> bool {
        self.link.is_monitored()
    }

    fn event(&self, event: Event) {
        self.link.event(event);
    }
}

impl Driving for Faulty {
    fn is_spinning(&self) -> bool {
        self.link.is_spinning()
    }

    fn add_caller_driven(&self, connection: Arc<dyn Engine>) {
        self.link.add_caller_driven(connection);
    }

    fn activity(&self) -> u32 {
        self.link.activity()
    }

    fn count_wakeup(&self) -> Wakeup {
        self.link.count_wakeup()
    }

    fn input_came(&self) {
        panic_once(&self.at_input);
        self.link.input_came();
    }

    fn defer_mail(&self) {
        self.link.defer_mail();
    }
}

impl Authentication for Faulty {
    fn zap(&self, query: ZapQuery, client: Arc<dyn ZapClient>) -> Option<Box<dyn OpenQuestion>> {
        self.link.zap(query, client)
    }
}

/// A PULL that listens through a faulty link, and a context around it.
struct Server {
    context: usize,
    pull: usize,
    link: Arc<Faulty>,
    acceptor: Arc<Acceptor>,
}

fn open(context: usize, socket_type: i32) -> usize {
    let socket = socket::create(context, socket_type).unwrap().address();
    for (option, value) in [
        (ZMQ_RCVTIMEO, 5000i32),
        (ZMQ_RECONNECT_IVL, 10),
        (ZMQ_LINGER, 0),
    ] {
        socket::set_option(socket, option, Some(&value.to_ne_bytes())).unwrap();
    }
    socket
}

impl Server {
    fn new() -> Server {
        let context = context::create().unwrap().address();
        let pull = open(context, ZMQ_PULL);
        let shared = socket::with(pull, |socket| Ok(socket.shared.clone())).unwrap();
        let reactor = shared.reactor(0).unwrap();
        let options = Arc::new(Options::new(SocketType::Pull, &ContextOptions::default()));
        let link = Arc::new(Faulty {
            link: shared,
            at_input: AtomicU32::new(0),
            at_end: AtomicU32::new(0),
            ended: AtomicU32::new(0),
        });
        let acceptor = Acceptor::bind(
            link.clone(),
            reactor,
            Settings::new(&options, SocketType::Pull),
            &Endpoint::parse_bind(b"tcp://127.0.0.1:*").unwrap(),
        );
        Server {
            context,
            pull,
            link,
            acceptor: acceptor.unwrap(),
        }
    }

    fn client(&self) -> usize {
        let push = open(self.context, ZMQ_PUSH);
        endpoints::connect(push, self.acceptor.endpoint()).unwrap();
        push
    }

    /// Sends `text` until the server receives it, for five seconds at most.
    fn hears(&self, push: usize, text: &[u8]) -> bool {
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            let _ = socket::send_bytes(push, text, socket::DONTWAIT);
            match socket::recv(self.pull, socket::DONTWAIT) {
                Ok(msg) if msg.data() == text => return true,
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        false
    }

    fn end(self, clients: &[usize]) {
        self.acceptor.close();
        for socket in clients.iter().chain([&self.pull]) {
            socket::close(*socket).unwrap();
        }
        context::terminate(self.context, false).unwrap();
    }
}

#[test]
fn a_panic_in_a_connection_costs_that_one() {
    let server = Server::new();
    let (steady, unlucky) = (server.client(), server.client());
    assert!(server.hears(steady, b"steady") && server.hears(unlucky, b"unlucky"));
    server.link.at_input.store(1, SeqCst);
    socket::send_bytes(unlucky, b"poison", 0).unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    while server.link.ended.load(SeqCst) == 0 && Instant::now() < end {
        std::thread::yield_now();
    }
    // The same peer reconnects; the other one was not affected.
    assert!(server.hears(unlucky, b"back") && server.hears(steady, b"still here"));
    assert_eq!(server.link.ended.load(SeqCst), 1);
    server.end(&[steady, unlucky]);
}

#[test]
fn a_panic_while_one_is_cleared_up_does_not_hold_up_the_end() {
    let server = Server::new();
    let (steady, unlucky) = (server.client(), server.client());
    assert!(server.hears(steady, b"steady") && server.hears(unlucky, b"unlucky"));
    server.link.at_end.store(1, SeqCst);
    server.link.at_input.store(1, SeqCst);
    assert!(server.hears(unlucky, b"poison") && server.hears(steady, b"still here"));
    assert_eq!(server.link.at_end.load(SeqCst), 0);
    // This would wait for ever if a connection were still counted.
    server.end(&[steady, unlucky]);
}

#[test]
fn a_panic_under_a_sockets_lock_costs_that_call() {
    let server = Server::new();
    let push = server.client();
    let call = || socket::with(server.pull, |_| -> Result<()> { panic!("on purpose") });
    assert_eq!(contain("a call failed", call), None);
    assert!(server.hears(push, b"all the same"));
    assert_eq!(socket::ready(server.pull, 0), Ok(0));
    server.end(&[push]);
    assert_eq!(context::get(0, ZMQ_IO_THREADS), Err(Error::Fault));
}

/// Runs the tests above in a process of their own, and checks its stderr.
#[test]
fn it_is_said_once() {
    let run = Command::new(std::env::current_exe().unwrap())
        .args([
            "runtime::tests::panics::a_panic",
            "--nocapture",
            "--test-threads=1",
        ])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{stderr}");
    assert_eq!(stderr.matches("on purpose").count(), 4, "{stderr}");
    assert_eq!(stderr.matches("please report this").count(), 1, "{stderr}");
}
