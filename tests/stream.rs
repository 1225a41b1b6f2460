//! STREAM sockets against plain TCP peers, where libzmq cannot be the judge:
//! it loses data there, waits for ever, or ends the process.

#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};
use zmq::abi::options::*;
use zmq::error::Error;
use zmq::message::{Msg, flag};
use zmq::runtime::{context, endpoints, socket};

use zmq::abi::numbers::{ZMQ_DONTWAIT as DONTWAIT, ZMQ_SNDMORE as SNDMORE, ZMQ_STREAM as STREAM};
/// Bound of every wait that is expected to succeed.
const PATIENCE: Duration = Duration::from_secs(8);

/// A STREAM socket in a context of its own.
struct Stream {
    context: usize,
    socket: usize,
}

impl Stream {
    fn new() -> Stream {
        let context = context::create().unwrap().address();
        let socket = socket::create(context, STREAM).unwrap().address();
        let stream = Stream { context, socket };
        stream.set(ZMQ_LINGER, 0);
        stream.set(ZMQ_RCVTIMEO, PATIENCE.as_millis() as i32);
        stream.set(ZMQ_SNDTIMEO, PATIENCE.as_millis() as i32);
        stream
    }

    fn set(&self, option: i32, value: i32) {
        socket::set_option(self.socket, option, Some(&value.to_ne_bytes())).unwrap();
    }

    /// Binds to a free port and connects a plain peer, with its id.
    fn accept(&self) -> (TcpStream, Vec<u8>) {
        endpoints::bind(self.socket, b"tcp://127.0.0.1:*").unwrap();
        let mut text = [0; 64];
        let len = socket::get_option(self.socket, ZMQ_LAST_ENDPOINT, &mut text).unwrap();
        let text = std::str::from_utf8(&text[6..len - 1]).unwrap();
        let peer = TcpStream::connect(text).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.set_write_timeout(Some(PATIENCE)).unwrap();
        let (id, data) = self.recv();
        assert!(data.is_empty());
        (peer, id)
    }

    fn connect(&self, to: &TcpListener, name: &[u8]) -> Result<(), Error> {
        socket::set_option(self.socket, ZMQ_CONNECT_ROUTING_ID, Some(name)).unwrap();
        let endpoint = format!("tcp://{}", to.local_addr().unwrap());
        endpoints::connect(self.socket, endpoint.as_bytes())
    }

    fn recv(&self) -> (Vec<u8>, Vec<u8>) {
        let id = socket::recv(self.socket, 0).unwrap();
        assert!(id.has(flag::MORE));
        let data = socket::recv(self.socket, 0).unwrap();
        (id.data().to_vec(), data.data().to_vec())
    }

    fn send(&self, id: &[u8], data: &[u8]) -> Result<(), Error> {
        let part = |bytes, flags| {
            let mut msg = Msg::copy_from(bytes)?;
            socket::send(self.socket, &mut msg, flags)
        };
        part(id, SNDMORE | DONTWAIT)?;
        part(data, 0)
    }

    fn end(self) -> Duration {
        let begin = Instant::now();
        socket::close(self.socket).unwrap();
        context::terminate(self.context, false).unwrap();
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
    assert_eq!(stream.connect(&listener, b"name"), Err(Error::AddrInUse));
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
    assert_eq!(stream.send(&id, b"late"), Err(Error::HostUnreachable));
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
    assert_eq!(stream.send(&id, b"x"), Err(Error::HostUnreachable));
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
