//! Sockets, endpoints, and what runs a scenario.

#![forbid(unsafe_code)]

use crate::common::{Context, Socket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use zmq::abi::options::*;

pub use zmq::abi::numbers::{
    ZMQ_DEALER as DEALER, ZMQ_PAIR as PAIR, ZMQ_PUB as PUB, ZMQ_PULL as PULL, ZMQ_PUSH as PUSH,
    ZMQ_REP as REP, ZMQ_REQ as REQ, ZMQ_ROUTER as ROUTER, ZMQ_SUB as SUB, ZMQ_XPUB as XPUB,
    ZMQ_XSUB as XSUB,
};

/// Bound of every wait that is expected to succeed.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const TRANSPORTS: [&str; 3] = ["inproc", "ipc", "tcp"];

pub fn open(context: Context, kind: i32) -> Socket {
    let socket = context.socket(kind).unwrap();
    socket
        .set(ZMQ_RCVTIMEO, PATIENCE.as_millis() as i32)
        .unwrap();
    socket
        .set(ZMQ_SNDTIMEO, PATIENCE.as_millis() as i32)
        .unwrap();
    socket.set(ZMQ_RECONNECT_IVL, 5).unwrap();
    socket
}

/// A free endpoint of a transport, or the one that is given, bound.
pub fn bind(socket: Socket, transport: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let text = match transport {
        "tcp" => "tcp://127.0.0.1:*".to_owned(),
        "ipc" => "ipc://*".to_owned(),
        text if text.contains(':') => text.to_owned(),
        _ => format!("inproc://{}", NUMBER.fetch_add(1, Ordering::SeqCst)),
    };
    socket.bind(&text).unwrap();
    socket.last_endpoint()
}

/// Binds to an endpoint that another socket has just let go of.
pub fn bind_again(socket: Socket, endpoint: &str) {
    let begin = Instant::now();
    while let Err(error) = socket.bind(endpoint) {
        assert_eq!(error, libc::EADDRINUSE);
        assert!(begin.elapsed() < PATIENCE, "the endpoint stays taken");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends the context; everything lingers as long as it must, but not for ever.
pub fn terminate(context: Context) {
    let (sender, receiver) = mpsc::channel();
    let ending = thread::spawn(move || sender.send(context.terminate()));
    let ended = receiver.recv_timeout(PATIENCE);
    ended.expect("the context does not end").unwrap();
    // It has nothing to do but to end, and shall not outlive the test.
    ending.join().unwrap().unwrap();
}

/// Runs a scenario with each transport and the fixed seed, and then with other
/// seeds for as long as was asked for.
pub fn each(transports: &[&str], scenario: fn(&str, u64)) {
    let number = |name| std::env::var(name).ok()?.parse().ok();
    let first: u64 = number("FERROZMQ_SEED").unwrap_or(1);
    let longer = Duration::from_secs(number("FERROZMQ_STRESS").unwrap_or(0));
    let begin = Instant::now();
    for seed in first.. {
        for transport in transports {
            eprintln!("{transport}, seed {seed}");
            scenario(transport, seed);
        }
        if begin.elapsed() >= longer {
            return;
        }
    }
}
