//! Both ends of WebSockets, over socket pairs.

#![forbid(unsafe_code)]

use super::super::byte_stream::ByteStream;
use super::super::layer::Show;
use super::super::stream::Stream;
use super::stream::{ANSWERS, Terms, WebSocket};
use super::upgrade;
use crate::sys::room::Room;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A stream socket that reads and writes in pieces.
#[derive(Debug)]
struct Plain {
    socket: UnixStream,
    piece: usize,
}

impl AsFd for Plain {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Stream for Plain {
    fn read(&self, room: &mut Room<'_>) -> io::Result<usize> {
        let fd = self.socket.as_fd();
        Ok(room.fill_by(self.piece, |place| place.receive(fd))?.len())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        use std::io::Write;
        (&self.socket).write(&bytes[..bytes.len().min(self.piece)])
    }

    fn peer_address_text(&self) -> String {
        String::new()
    }

    fn local_endpoint(&self) -> Vec<u8> {
        Vec::new()
    }

    fn remote_endpoint(&self) -> Vec<u8> {
        Vec::new()
    }
}

fn terms(mechanism: &'static str, as_server: bool) -> Terms {
    Terms {
        mechanism,
        as_server,
        limit: 1 << 20,
    }
}

fn shown() -> Show {
    std::sync::Arc::new(|below| below.to_vec())
}

fn sockets(piece: usize) -> [ByteStream; 2] {
    let (one, other) = UnixStream::pair().unwrap();
    [one, other].map(|socket| {
        socket.set_nonblocking(true).unwrap();
        ByteStream::layer(Plain { socket, piece })
    })
}

fn pair(piece: usize, client: Terms, server: Terms) -> [WebSocket; 2] {
    let [one, other] = sockets(piece);
    [
        WebSocket::client(one, client, "host", "/", shown()).unwrap(),
        WebSocket::server(other, server, shown()),
    ]
}

/// Repeats a step until it has something, as the connection does when its descriptor is
/// ready.
fn until<T>(mut step: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(done) = step() {
            return done;
        }
        assert!(Instant::now() < end, "in time");
    }
}

/// `None` for what would block.
fn now<T>(outcome: io::Result<T>) -> Option<io::Result<T>> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        other => Some(other),
    }
}

/// Reads once, at most `most` bytes.
fn read_some(socket: &WebSocket, most: usize) -> Option<io::Result<Vec<u8>>> {
    let mut buffer = vec![0; most];
    let count = now(socket.read(&mut Room::from(&mut buffer[..])));
    if count.is_none() {
        assert!(!socket.has_buffered_input());
    }
    count.map(|count| count.map(|count| buffer[..count].to_vec()))
}

/// Writes `stream` at one end while `wanted` bytes are read at the other.
fn carry(from: &WebSocket, to: &WebSocket, mut stream: &[u8], wanted: usize) -> Vec<u8> {
    let mut got = Vec::new();
    until(|| {
        match stream {
            [] => drop(now(from.flush())),
            _ => {
                let count = now(from.write(stream)).map_or(0, Result::unwrap);
                stream = &stream[count..];
            }
        }
        let most = 100_000.min(wanted - got.len());
        got.extend(read_some(to, most).map(Result::unwrap).unwrap_or_default());
        (got.len() == wanted && stream.is_empty()).then_some(())
    });
    got
}

/// A frame of ZMTP 2 and later.
fn frame(length: usize) -> Vec<u8> {
    let mut bytes = match length {
        0..=255 => vec![0, length as u8],
        _ => [&[2][..], &(length as u64).to_be_bytes()].concat(),
    };
    bytes.extend((0..length).map(|i| (i * 31 % 251) as u8));
    bytes
}

/// Opens both ends, and reads the greetings.
fn greet(ends: &[WebSocket; 2]) -> [Vec<u8>; 2] {
    let mut got = [Vec::new(), Vec::new()];
    until(|| {
        for (socket, got) in ends.iter().zip(&mut got) {
            let more = read_some(socket, 64 - got.len()).map(Result::unwrap);
            got.extend(more.unwrap_or_default());
        }
        got.iter().all(|got| got.len() == 64).then_some(())
    });
    got
}

#[test]
fn both_ends_open_and_greet() {
    for (mechanism, servers) in [("NULL", [0, 0]), ("PLAIN", [1, 0]), ("CURVE", [1, 0])] {
        let ends = pair(7, terms(mechanism, false), terms(mechanism, true));
        assert_eq!(
            ends[0].interest(true, true),
            (true, true),
            "the request is pending"
        );
        assert_eq!(ends[1].interest(true, true), (true, false));
        for (greeting, server) in greet(&ends).iter().zip(servers) {
            assert_eq!((greeting[0], greeting[9], greeting[10]), (0xff, 0x7f, 3));
            assert!(greeting[12..].starts_with(mechanism.as_bytes()));
            assert_eq!(greeting[32], server, "{mechanism}");
        }
    }
}

#[test]
fn frames_of_all_sizes_go_both_ways() {
    let sizes = [0, 1, 200, 8191, 8192, 65_536, 70_000, 1 << 20];
    let frames: Vec<u8> = sizes.into_iter().flat_map(frame).collect();
    let stream = [&[0; 64], &frames[..]].concat();
    for piece in [1000, 70_000, usize::MAX] {
        let [client, server] = &pair(piece, terms("NULL", false), terms("NULL", false));
        until(|| {
            let open = [client, server].map(|end| now(end.write(b"")));
            open.iter().all(Option::is_some).then_some(())
        });
        for (from, to) in [(client, server), (server, client)] {
            let got = carry(from, to, &stream, stream.len());
            assert!(got[64..] == frames, "pieces of {piece}");
        }
    }
}

#[test]
fn pieces_are_one_stream() {
    let ends = pair(usize::MAX, terms("NULL", false), terms("NULL", false));
    greet(&ends);
    let long = vec![7; 100_000];
    let header = [&[2][..], &(long.len() as u64).to_be_bytes()].concat();
    let pieces = [&[0; 64][..], &header, &long, b"\x00\x01x"].map(IoSlice::new);
    let count = ends[1].write_vectored(&pieces).unwrap();
    assert!(count > 64 + 9, "{count}");
    let whole = [&header[..], &long, b"\x00\x01x"].concat();
    let rest = &whole[count - 64..];
    let got = carry(&ends[1], &ends[0], rest, whole.len());
    assert!(got == whole);
}

#[test]
fn pings_are_answered_and_a_close_ends_the_stream() {
    let ends = pair(usize::MAX, terms("NULL", false), terms("NULL", false));
    greet(&ends);
    let [client, server] = ends;
    client.ping();
    client.ping();
    assert_eq!(client.state.borrow().controls.len(), 1);
    assert!(client.has_pending_output());
    client.flush().unwrap();
    client.state.borrow_mut().heard = false;
    assert!(read_some(&server, 10).is_none());
    assert!(read_some(&client, 10).is_none());
    assert!(client.state.borrow().heard, "the pong");
    drop(client);
    assert_eq!(read_some(&server, 10).unwrap().unwrap(), b"");
    assert_eq!(read_some(&server, 10).unwrap().unwrap(), b"");
}

#[test]
fn a_refused_request_is_answered() {
    let [one, other] = sockets(usize::MAX);
    let server = WebSocket::server(other, terms("NULL", false), shown());
    one.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let error = read_some(&server, 10).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let mut answer = [0; 1000];
    let count = one.read(&mut answer).unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 426 "));
}

#[test]
fn a_flood_of_pings_is_bounded() {
    let [one, other] = sockets(usize::MAX);
    let server = WebSocket::server(other, terms("NULL", false), shown());
    let request = upgrade::request("host", "/", [1; 16], upgrade::protocols("NULL"));
    one.write(request.as_bytes()).unwrap();
    let pings = [0x89, 0x80 + 4, 0, 0, 0, 0, 1, 2, 3, 4].repeat(3000);
    one.write(&pings).unwrap();
    let _ = read_some(&server, 64);
    let _ = read_some(&server, 64);
    let state = server.state.borrow();
    let held = state.out.len() + state.controls.len() * 6;
    assert!(held <= 2 * ANSWERS, "{held} bytes");
}
