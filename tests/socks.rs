//! A SOCKS proxy that refuses, breaks off or stays silent: the socket closes that
//! connection and tries again. (libzmq ends the process here, so it cannot be
//! the judge; `capi-tests/socks.c` has what both do.)

mod common;

use common::{Context, Socket};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use zmq::abi::numbers::ZMQ_PAIR as PAIR;

const LINGER: i32 = 17;
const RECONNECT_IVL: i32 = 18;
const RCVTIMEO: i32 = 27;
const SOCKS_PROXY: i32 = 68;
const CONNECT_TIMEOUT: i32 = 79;
const SOCKS_USERNAME: i32 = 99;

const CONNECTED: u16 = 1;
const CONNECT_DELAYED: u16 = 2;
const CONNECT_RETRIED: u16 = 4;
const CLOSED: u16 = 0x80;
const HANDSHAKE_SUCCEEDED: u16 = 0x1000;

const PATIENCE: i32 = 8000;

fn new_socket(context: Context) -> Socket {
    let socket = context.socket(PAIR).unwrap();
    socket.set(LINGER, 0).unwrap();
    socket.set(RCVTIMEO, PATIENCE).unwrap();
    socket
}

/// What the proxy sends to its first client, after each of what it reads.
type Script = &'static [(usize, &'static [u8])];

/// Plays the script to the first client and then closes it, or holds it without
/// another word; the second client gets its tunnel.
fn proxy(script: Script, hold: bool, target: String) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        for (length, answer) in script {
            let mut heard = vec![0; *length];
            first.read_exact(&mut heard).unwrap();
            first.write_all(answer).unwrap();
        }
        let held = hold.then_some(first);
        let (mut second, _) = listener.accept().unwrap();
        let mut greeting = [0; 3];
        second.read_exact(&mut greeting).unwrap();
        second.write_all(&[5, 0]).unwrap();
        let mut request = [0; 5];
        second.read_exact(&mut request).unwrap();
        let mut name = vec![0; usize::from(request[4]) + 2];
        second.read_exact(&mut name).unwrap();
        assert!(name.starts_with(b"the.target"));
        let onward = TcpStream::connect(target).unwrap();
        second.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        join(second, onward);
        drop(held);
    });
    (address, thread)
}

fn join(left: TcpStream, right: TcpStream) {
    let pairs = [
        (left.try_clone().unwrap(), right.try_clone().unwrap()),
        (right, left),
    ];
    let copies = pairs.map(|(mut from, mut to)| {
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Both);
        })
    });
    for copy in copies {
        copy.join().unwrap();
    }
}

fn next_event(monitor: Socket) -> u16 {
    let head = monitor.recv(0).unwrap();
    let _address = monitor.recv(0).unwrap();
    u16::from_ne_bytes([head.data()[0], head.data()[1]])
}

/// The events of the whole way, and how long it took.
fn run(script: Script, hold: bool, user: &[u8], timeout: i32) -> (Vec<u16>, Duration) {
    let context = Context::new();
    let server = new_socket(context);
    server.bind("tcp://127.0.0.1:*").unwrap();
    let target = server.last_endpoint()["tcp://".len()..].to_owned();

    let (address, thread) = proxy(script, hold, target);
    let client = new_socket(context);
    client.set(RECONNECT_IVL, 20).unwrap();
    client.set(CONNECT_TIMEOUT, timeout).unwrap();
    client.set_bytes(SOCKS_PROXY, address.as_bytes()).unwrap();
    if !user.is_empty() {
        client.set_bytes(SOCKS_USERNAME, user).unwrap();
    }
    client.monitor("inproc://events", 0xffff).unwrap();
    let monitor = new_socket(context);
    monitor.connect("inproc://events").unwrap();

    let begun = Instant::now();
    client.connect("tcp://the.target:5555").unwrap();
    client.send(b"hello", 0).unwrap();
    assert_eq!(server.recv(0).unwrap().data(), b"hello");
    let taken = begun.elapsed();
    let mut events = Vec::new();
    while events.last() != Some(&HANDSHAKE_SUCCEEDED) {
        events.push(next_event(monitor));
    }
    events.retain(|event| *event != CONNECT_DELAYED);
    for socket in [client, server, monitor] {
        socket.close().unwrap();
    }
    context.terminate().unwrap();
    thread.join().unwrap();
    (events, taken)
}

const SECOND_TIME: [u16; 4] = [CLOSED, CONNECT_RETRIED, CONNECTED, HANDSHAKE_SUCCEEDED];

#[test]
fn refusals_and_ends_are_tried_again() {
    let scripts: [Script; 6] = [
        &[],
        &[(3, &[5, 0xff])],
        &[(3, &[4, 0])],
        &[(3, &[5, 0]), (17, &[5, 5, 0, 1, 0, 0, 0, 0, 0, 0])],
        &[(3, &[5, 0]), (17, &[5, 99, 0, 1, 0, 0, 0, 0, 0, 0])],
        &[(3, &[5, 0]), (17, &[5, 0, 0])],
    ];
    for script in scripts {
        let (events, _) = run(script, false, b"", 0);
        assert_eq!(events, SECOND_TIME, "{script:?}");
    }
}

#[test]
fn a_refused_login_is_tried_again() {
    let script: Script = &[(3, &[5, 2]), (5, &[1, 1])];
    let (events, _) = run(script, false, b"me", 0);
    assert_eq!(events, SECOND_TIME);
}

#[test]
fn the_connect_timeout_covers_the_proxy() {
    let (events, taken) = run(&[(3, &[5, 0])], true, b"", 100);
    assert_eq!(events, SECOND_TIME);
    assert!(taken >= Duration::from_millis(100), "{taken:?}");
}
