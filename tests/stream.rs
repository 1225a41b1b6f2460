//! STREAM sockets against plain TCP peers, where libzmq cannot be the judge:
//! it loses data there, waits for ever, or ends the process.

#![cfg(target_os = "linux")]

mod common;

use common::{Context, Message, Result, Socket};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};
use zmq::abi::numbers::{ZMQ_DONTWAIT as DONTWAIT, ZMQ_SNDMORE as SNDMORE, ZMQ_STREAM as STREAM};
use zmq::abi::options::*;

/// Bound of every wait that is expected to succeed.
const PATIENCE: Duration = Duration::from_secs(8);

/// A STREAM socket in a context of its own.
struct Stream {
    context: Context,
    socket: Socket,
}

impl Stream {
    fn new() -> Stream {
        let context = Context::new();
        let socket = context.socket(STREAM).unwrap();
        let stream = Stream { context, socket };
        stream.set(ZMQ_LINGER, 0);
        stream.set(ZMQ_RCVTIMEO, PATIENCE.as_millis() as i32);
        stream.set(ZMQ_SNDTIMEO, PATIENCE.as_millis() as i32);
        stream
    }

    fn set(&self, option: i32, value: i32) {
        self.socket.set(option, value).unwrap();
    }

    /// Binds to a free port and connects a plain peer, with its id.
    fn accept(&self) -> (TcpStream, Vec<u8>) {
        self.socket.bind("tcp://127.0.0.1:*").unwrap();
        let endpoint = self.socket.last_endpoint();
        let peer = TcpStream::connect(&endpoint["tcp://".len()..]).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.set_write_timeout(Some(PATIENCE)).unwrap();
        let (id, data) = self.recv();
        assert!(data.is_empty());
        (peer, id)
    }

    fn connect(&self, to: &TcpListener, name: &[u8]) -> Result<()> {
        self.socket.set_bytes(ZMQ_CONNECT_ROUTING_ID, name).unwrap();
        let endpoint = format!("tcp://{}", to.local_addr().unwrap());
        self.socket.connect(&endpoint)
    }

    fn recv(&self) -> (Vec<u8>, Vec<u8>) {
        let id = self.socket.recv(0).unwrap();
        assert!(id.more());
        let data = self.socket.recv(0).unwrap();
        (id.data().to_vec(), data.data().to_vec())
    }

    fn send(&self, id: &[u8], data: &[u8]) -> Result<()> {
        let part = |bytes, flags| {
            let mut message = Message::new(bytes);
            self.socket.send_message(&mut message, flags)
        };
        part(id, SNDMORE | DONTWAIT)?;
        part(data, 0)
    }

    fn end(self) -> Duration {
        let begin = Instant::now();
        self.socket.close().unwrap();
        self.context.terminate().unwrap();
        begin.elapsed()
    }
}

/// The end of the stream is a reset.
fn reset(peer: TcpStream) {
    let peer = socket2::Socket::from(peer);
    peer.set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_name_in_use_is_refused() {
    let stream = Stream::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    stream.connect(&listener, b"name").unwrap();
    assert_eq!(stream.connect(&listener, b"name"), Err(libc::EADDRINUSE));
    stream.connect(&listener, b"other").unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(stream.recv().1, b"");
    stream.send(b"name", b"x").unwrap();
    let mut got = [0];
    peer.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"x");
    stream.end();
}

#[test]
fn an_answer_goes_out_whole_before_the_end() {
    let stream = Stream::new();
    let (mut peer, id) = stream.accept();
    // More than the system takes while nobody reads.
    let part = vec![b'p'; 1 << 20];
    for _ in 0..20 {
        stream.send(&id, &part).unwrap();
    }
    stream.send(&id, b"").unwrap();
    assert_eq!(stream.send(&id, b"late"), Err(libc::EHOSTUNREACH));
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.len(), 20 * part.len());
    stream.end();
}

#[test]
fn an_answer_nobody_reads_does_not_hold_up_the_end() {
    let stream = Stream::new();
    let (_peer, id) = stream.accept();
    let part = vec![b'p'; 1 << 20];
    for _ in 0..20 {
        stream.send(&id, &part).unwrap();
    }
    stream.send(&id, b"").unwrap();
    assert!(stream.end() < PATIENCE / 2);
}

#[test]
fn what_a_lost_peer_sent_is_received_all_the_same() {
    let stream = Stream::new();
    stream.set(ZMQ_RCVHWM, 2);
    let (mut peer, id) = stream.accept();
    // Only a part of it fits into the pipe; the system holds the rest.
    let request = vec![b'r'; 60_000];
    peer.write_all(&request).unwrap();
    reset(peer);
    // An answer finds out the loss; that is all it does.
    for _ in 0..5 {
        assert_eq!(stream.send(&id, b"answer"), Ok(()));
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut total = 0;
    loop {
        let (from, data) = stream.recv();
        assert_eq!(from, id);
        if data.is_empty() {
            break;
        }
        total += data.len();
    }
    assert_eq!(total, request.len());
    assert_eq!(stream.send(&id, b"x"), Err(libc::EHOSTUNREACH));
    stream.end();
}

#[test]
fn a_peer_that_was_closed_is_not_dialed_again() {
    let stream = Stream::new();
    stream.set(ZMQ_RECONNECT_IVL, 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    stream.connect(&listener, b"name").unwrap();
    let (peer, _) = listener.accept().unwrap();
    assert_eq!(stream.recv().1, b"");
    let part = vec![b'p'; 1 << 20];
    for _ in 0..20 {
        stream.send(b"name", &part).unwrap();
    }
    stream.send(b"name", b"").unwrap();
    // What is left of the answer is for this connection only.
    reset(peer);
    listener.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let again = listener.accept().map(|_| ()).map_err(|e| e.kind());
    assert_eq!(again, Err(ErrorKind::WouldBlock));
    stream.end();
}
