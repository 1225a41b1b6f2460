//! Peers that keep to the letter of the protocol and mean no good.

#![cfg(target_os = "linux")]

mod common;

use common::{Context, Message, Socket};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use zmq::abi::numbers::{ZMQ_DEALER as DEALER, ZMQ_DONTWAIT as DONTWAIT, ZMQ_XPUB as XPUB};
use zmq::abi::options::*;

/// Bound of every wait that is expected to succeed.
const PATIENCE: Duration = Duration::from_secs(8);
/// A peer that may not write for so long is held back.
const HELD_BACK: Duration = Duration::from_millis(500);

/// The tests look at the memory of the process, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A bound socket and a raw peer that has been welcomed.
struct Scene {
    context: Context,
    socket: Socket,
    peer: TcpStream,
}

impl Scene {
    fn new(kind: i32, peer_type: &[u8], more_metadata: &[u8]) -> Scene {
        let context = Context::new();
        let socket = context.socket(kind).unwrap();
        for (option, value) in [(ZMQ_LINGER, 0), (ZMQ_RCVTIMEO, PATIENCE.as_millis() as i32)] {
            socket.set(option, value).unwrap();
        }
        socket.bind("tcp://127.0.0.1:*").unwrap();
        let endpoint = socket.last_endpoint();
        let mut peer = TcpStream::connect(&endpoint["tcp://".len()..]).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.set_write_timeout(Some(HELD_BACK)).unwrap();

        let mut greeting = [0; 64];
        greeting[0] = 0xff;
        greeting[9..12].copy_from_slice(&[0x7f, 3, 1]);
        greeting[12..16].copy_from_slice(b"NULL");
        peer.write_all(&greeting).unwrap();
        let mut ready = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
        ready.push(peer_type.len() as u8);
        ready.extend_from_slice(peer_type);
        ready.extend_from_slice(more_metadata);
        peer.write_all(&command(&ready)).unwrap();
        let mut answer = [0; 64 + 2];
        peer.read_exact(&mut answer).unwrap();
        let mut theirs = vec![0; usize::from(answer[65])];
        peer.read_exact(&mut theirs).unwrap();
        Scene {
            context,
            socket,
            peer,
        }
    }

    /// Writes `frame` again and again, for at most `limit` bytes or until the
    /// library takes no more. Returns the bytes written.
    fn flood(&mut self, frame: &[u8], limit: usize) -> usize {
        let batch = frame.repeat(64 * 1024 / frame.len());
        let mut written = 0;
        while written < limit {
            match self.peer.write(&batch[written % batch.len()..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        written
    }

    fn recv(&self) -> Message {
        self.socket.recv(0).unwrap()
    }

    fn end(self) {
        self.socket.close().unwrap();
        drop(self.peer);
        self.context.terminate().unwrap();
    }
}

fn command(body: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend_from_slice(&(body.len() as u64).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, body.len() as u8];
    frame.extend_from_slice(body);
    frame
}

/// Memory of this process, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn pings_that_are_not_waited_for_take_no_memory() {
    let _turn = TURN.lock().unwrap_or_else(|turn| turn.into_inner());
    let mut scene = Scene::new(DEALER, b"DEALER", b"");
    let before = resident();
    let ping = command(b"\x04PING\0\0context of 16 by");
    let written = scene.flood(&ping, 64 << 20);
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 8 << 20,
        "{grown} bytes for {written} bytes of PINGs"
    );
    // Whoever reads is answered again, and messages pass.
    let rest = written % ping.len();
    scene.peer.write_all(&ping[rest..]).unwrap();
    scene.peer.write_all(&message(b"hello")).unwrap();
    assert_eq!(scene.recv().data(), b"hello");
    let begin = Instant::now();
    let mut last = Vec::new();
    while !last.ends_with(b"\x04PONGlast") {
        assert!(begin.elapsed() < PATIENCE, "no answer any more");
        let mut bytes = [0; 65536];
        let count = scene.peer.read(&mut bytes).unwrap();
        last.extend_from_slice(&bytes[..count]);
        last.drain(..last.len().saturating_sub(64));
        scene.peer.write_all(&command(b"\x04PING\0\0last")).unwrap();
    }
    scene.end();
}

#[test]
fn subscriptions_that_nobody_takes_hold_the_peer_back() {
    let _turn = TURN.lock().unwrap_or_else(|turn| turn.into_inner());
    let mut scene = Scene::new(XPUB, b"SUB", b"");
    let before = resident();
    let mut body = b"\x09SUBSCRIBE".to_vec();
    body.extend_from_slice(&[b'T'; 1000]);
    let frame = command(&body);
    let written = scene.flood(&frame, 64 << 20);
    assert!(written < 32 << 20, "{written} bytes were taken");
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes for {written} bytes");
    // Only the first of equal subscriptions is told; then comes a message, when
    // the socket has gone through all before it.
    assert_eq!(scene.recv().data().len(), 1001);
    let rest = frame[written % frame.len()..].to_vec();
    let mut peer = scene.peer.try_clone().unwrap();
    peer.set_write_timeout(Some(PATIENCE)).unwrap();
    let writer = std::thread::spawn(move || {
        peer.write_all(&rest).unwrap();
        peer.write_all(&message(b"\x02last")).unwrap();
    });
    assert_eq!(scene.recv().data(), b"\x02last");
    writer.join().unwrap();
    scene.end();
}

#[test]
fn a_long_command_is_no_message() {
    let _turn = TURN.lock().unwrap_or_else(|turn| turn.into_inner());
    let mut scene = Scene::new(XPUB, b"SUB", b"");
    let mut body = b"\x09SUBSCRIBE".to_vec();
    body.extend_from_slice(&[b'T'; 300_000]);
    scene.peer.write_all(&command(&body)).unwrap();
    let told = scene.recv();
    assert_eq!((told.data()[0], told.data().len()), (1, 300_001));
    // One that is unknown is dropped, whatever its length.
    body[1] = b'X';
    scene.peer.write_all(&command(&body)).unwrap();
    scene.peer.write_all(&message(b"\x02next")).unwrap();
    assert_eq!(scene.recv().data(), b"\x02next");
    scene.end();
}

/// However the bytes of a long message are divided, it arrives, and so does what follows it.
#[test]
fn a_long_message_comes_in_any_pieces() {
    let _turn = TURN.lock().unwrap_or_else(|turn| turn.into_inner());
    let mut scene = Scene::new(DEALER, b"DEALER", b"");
    let pause = || std::thread::sleep(Duration::from_millis(5));
    for left in [1, 2, 1000, 128 << 10, 256 << 10, (256 << 10) + 1] {
        let body: Vec<u8> = (0..700_000u32).map(|n| n as u8).collect();
        let mut frame = vec![2];
        frame.extend_from_slice(&(body.len() as u64).to_be_bytes());
        frame.extend_from_slice(&body);
        let (first, rest) = frame.split_at(frame.len() - left);
        scene.peer.write_all(&first[..first.len() / 2]).unwrap();
        pause();
        scene.peer.write_all(&first[first.len() / 2..]).unwrap();
        pause();
        let (almost, last) = rest.split_at(left - 1);
        scene.peer.write_all(almost).unwrap();
        pause();
        scene.peer.write_all(last).unwrap();
        assert!(
            scene.recv().data() == body,
            "all but {left} bytes, then those"
        );
        scene.peer.write_all(&message(b"x")).unwrap();
        assert_eq!(scene.recv().data(), b"x");
    }
    scene.end();
}

#[test]
fn a_peer_does_not_say_who_it_is() {
    let _turn = TURN.lock().unwrap_or_else(|turn| turn.into_inner());
    let claim = b"\x07User-Id\0\0\0\x04root\x0cPeer-Address\0\0\0\x03::1\x05X-Ray\0\0\0\x01x\x07user-id\0\0\0\x04root";
    let mut scene = Scene::new(DEALER, b"DEALER", claim);
    scene.peer.write_all(&message(b"hello")).unwrap();
    let msg = scene.recv();
    assert_eq!(msg.property(c"User-Id"), None);
    assert_eq!(msg.property(c"user-id"), None);
    assert_eq!(msg.property(c"Peer-Address"), Some(c"127.0.0.1"));
    assert_eq!(msg.property(c"X-Ray"), Some(c"x"));
    scene.end();
}

/// The library compares names up to a NUL, as C strings: one in a name would make
/// another name of it.
#[test]
fn a_name_with_a_nul_is_none() {
    let _turn = TURN.lock().unwrap_or_else(|turn| turn.into_inner());
    for name in [&b"User-Id\0"[..], b"User-Id\0x", b"Peer-Address\0", b"X y"] {
        let mut claim = vec![name.len() as u8];
        claim.extend_from_slice(name);
        claim.extend_from_slice(b"\0\0\0\x04root");
        let mut scene = Scene::new(DEALER, b"DEALER", &claim);
        let _ = scene.peer.write_all(&message(b"hello"));
        let closed = match scene.peer.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        assert!(closed, "a peer with {name:?} is refused");
        let dontwait = scene.socket.recv(DONTWAIT);
        assert!(dontwait.is_err(), "{name:?} is heard");
        scene.end();
    }
}
