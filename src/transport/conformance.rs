//! What every byte-stream transport must do: one suite, run for each.

#![forbid(unsafe_code)]

use std::io::{ErrorKind, IoSlice};
use std::thread;
use std::time::{Duration, Instant};

use super::{ByteStream, Dial, Listener, Resolution, StreamOptions, Target};
use crate::endpoint::parse;

/// No step takes this long; a test that waits longer has failed.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Asks again and again until there is an answer.
pub(super) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIME_LIMIT;
    while Instant::now() < deadline {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(Duration::from_micros(200));
    }
    panic!("waited too long for {what}");
}

pub(super) fn bind(text: &str, options: &StreamOptions) -> Listener {
    let endpoint = parse::bind(text.as_bytes()).expect(text);
    Listener::bind(&endpoint, options).expect(text)
}

pub(super) fn text_of(listener: &Listener) -> String {
    String::from_utf8(listener.endpoint().to_vec()).expect("test endpoints are text")
}

pub(super) fn targets(text: &str, options: &StreamOptions) -> std::io::Result<Vec<Target>> {
    let endpoint = parse::connect(text.as_bytes()).expect(text);
    match Resolution::start(&endpoint, options)? {
        Resolution::Ready(targets) => Ok(targets),
        Resolution::Lookup(job) => {
            let (answered, answer) = std::sync::mpsc::channel();
            let lookup = job.start(move || answered.send(()).expect("asked"))?;
            answer.recv().expect("a resolver thread");
            lookup.take().expect("the answer")
        }
    }
}

pub(super) fn dial(text: &str, options: &StreamOptions) -> std::io::Result<ByteStream> {
    let targets = targets(text, options)?;
    let dial = Dial::start(&targets[0], options)?;
    if !dial.in_progress() {
        return dial.finish();
    }
    let mut dial = Some(dial);
    until("the connection", || {
        let ready = dial.as_ref().is_some_and(Dial::is_connected);
        if ready {
            return dial.take().map(Dial::finish);
        }
        // A refused attempt never is connected; its error ends the wait.
        let refused = dial.as_ref().and_then(pending_error);
        refused.map(Err)
    })
}

fn pending_error(dial: &Dial) -> Option<std::io::Error> {
    use std::os::fd::AsFd;
    socket2::SockRef::from(&dial.as_fd())
        .take_error()
        .ok()
        .flatten()
}

pub(super) fn accept(listener: &Listener, options: &StreamOptions) -> ByteStream {
    until("a peer", || listener.accept(options).expect("accept"))
}

/// Connecting end first.
pub(super) fn pair(listener: &Listener, options: &StreamOptions) -> (ByteStream, ByteStream) {
    let ours = dial(&text_of(listener), options).expect("dial");
    (ours, accept(listener, options))
}

pub(super) fn read_exactly(stream: &ByteStream, wanted: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while all.len() < wanted {
        let room = buffer.len().min(wanted - all.len());
        let count = until("bytes", || match stream.read(&mut buffer[..room]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            other => Some(other.expect("read")),
        });
        assert_ne!(count, 0, "end of stream after {} bytes", all.len());
        all.extend_from_slice(&buffer[..count]);
    }
    all
}

pub(super) fn write_all(stream: &ByteStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let count = until("room", || match stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            other => Some(other.expect("write")),
        });
        bytes = &bytes[count..];
    }
}

fn end_of_stream(stream: &ByteStream) -> bool {
    let mut buffer = [0; 16];
    until("the end", || match stream.read(&mut buffer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        other => Some(other),
    })
    .is_ok_and(|count| count == 0)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

fn echoes(wildcard: &str) {
    let options = StreamOptions::default();
    let listener = bind(wildcard, &options);
    assert!(listener.accept(&options).expect("accept").is_none());
    let (ours, theirs) = pair(&listener, &options);
    write_all(&ours, b"hello");
    assert_eq!(read_exactly(&theirs, 5), b"hello");
    write_all(&theirs, b"world!");
    assert_eq!(read_exactly(&ours, 6), b"world!");
    assert_eq!(ours.remote_endpoint(), listener.endpoint());
    assert_eq!(theirs.local_endpoint(), listener.endpoint());
    assert_eq!(theirs.remote_endpoint(), ours.local_endpoint());
}

fn tells_would_block_and_end(wildcard: &str) {
    let options = StreamOptions::default();
    let listener = bind(wildcard, &options);
    let (ours, theirs) = pair(&listener, &options);
    let error = ours.read(&mut [0; 16]).expect_err("nothing to read");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    write_all(&theirs, b"last");
    drop(theirs);
    assert_eq!(read_exactly(&ours, 4), b"last");
    assert!(end_of_stream(&ours));
    // The peer is gone: sooner or later a write says so, and no signal comes.
    let error = until("the broken pipe", || ours.write(b"x").err());
    assert!(
        matches!(
            error.kind(),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        ),
        "{error}"
    );
    let piece = [IoSlice::new(b"x")];
    assert!(ours.write_vectored(&piece).is_err());
}

fn carries_large_writes(wildcard: &str) {
    let options = StreamOptions::default();
    let listener = bind(wildcard, &options);
    let (ours, theirs) = pair(&listener, &options);
    let sent = pattern(8 * 1024 * 1024);
    let expected = sent.clone();
    // The kernel's buffers are smaller, so some write must be refused first.
    let mut taken = 0;
    let refused = loop {
        match ours.write(&sent[taken..]) {
            Ok(count) => taken += count,
            Err(error) => break error,
        }
        assert!(taken < sent.len(), "8 MiB fit into the kernel");
    };
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    let writer = thread::spawn(move || {
        write_all(&ours, &sent[taken..]);
        ours
    });
    assert!(read_exactly(&theirs, expected.len()) == expected);
    drop(writer.join().expect("writer"));
    assert!(end_of_stream(&theirs));
}

fn writes_vectors(wildcard: &str) {
    let options = StreamOptions::default();
    let listener = bind(wildcard, &options);
    let (ours, theirs) = pair(&listener, &options);
    let pieces = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
    assert_eq!(ours.write_vectored(&pieces).expect("write"), 5);
    assert_eq!(read_exactly(&theirs, 5), b"abcde");
    // More pieces than the system takes at once: the rest is left to the caller.
    let many = vec![IoSlice::new(b"x"); 5000];
    let count = ours.write_vectored(&many).expect("write");
    assert!((1..=5000).contains(&count));
    assert_eq!(read_exactly(&theirs, count), vec![b'x'; count]);
}

fn reports_a_missing_listener(wildcard: &str) {
    let options = StreamOptions::default();
    let listener = bind(wildcard, &options);
    let text = text_of(&listener);
    listener.close().expect("close");
    let error = dial(&text, &options).expect_err("nobody listens");
    assert!(
        matches!(
            error.kind(),
            ErrorKind::ConnectionRefused | ErrorKind::NotFound
        ),
        "{error}"
    );
    // Free at once; a wildcard's file is gone together with its directory.
    if wildcard != "ipc://*" {
        assert_eq!(text_of(&bind(&text, &options)), text);
    }
}

fn keeps_connections_when_the_listener_closes(wildcard: &str) {
    let options = StreamOptions::default();
    let listener = bind(wildcard, &options);
    let (ours, theirs) = pair(&listener, &options);
    drop(listener);
    write_all(&ours, b"still here");
    assert_eq!(read_exactly(&theirs, 10), b"still here");
}

fn serves_many(wildcard: &str) {
    let options = StreamOptions::default();
    let listener = bind(wildcard, &options);
    let streams: Vec<_> = (0..20).map(|_| pair(&listener, &options)).collect();
    for (index, (ours, theirs)) in streams.iter().enumerate() {
        write_all(ours, &[index as u8]);
        assert_eq!(read_exactly(theirs, 1), [index as u8]);
    }
}

macro_rules! suite {
    ($transport:ident, $wildcard:expr) => {
        suite!(@checks $transport, $wildcard, echoes, tells_would_block_and_end,
            carries_large_writes, writes_vectors,
            reports_a_missing_listener,
            keeps_connections_when_the_listener_closes, serves_many);
    };
    (@checks $transport:ident, $wildcard:expr, $($check:ident),+) => {
        mod $transport {
            $(#[test]
            fn $check() {
                super::$check($wildcard);
            })+
        }
    };
}

suite!(tcp, "tcp://127.0.0.1:*");
suite!(ipc, "ipc://*");
suite!(ipc_abstract, &super::abstract_endpoint());

/// An abstract name of this test's own.
fn abstract_endpoint() -> String {
    let thread = thread::current();
    let test = thread.name().unwrap_or("main").replace("::", "-");
    format!("ipc://@fz-{}-{test}", std::process::id())
}
