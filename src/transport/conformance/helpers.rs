//! What tests of transports do with both ends: bind, dial, accept, read and write with a time
//! limit.

#![forbid(unsafe_code)]

use super::super::{ByteStream, Dial, Dialer, Endpoint, Listener, Resolution};
use crate::abi::socket_type::SocketType;
use crate::error::Result;
use crate::options::{ContextOptions, Options};
use socket2::SockRef;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

/// No step takes this long; a test that waits longer has failed.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Asks again and again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIME_LIMIT;
    while Instant::now() < deadline {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(Duration::from_micros(200));
    }
    panic!("waited too long for {what}");
}

/// The default options.
pub fn defaults() -> Options {
    Options::new(SocketType::Dealer, &ContextOptions::default())
}

/// The default options with changes.
pub fn with(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = defaults();
    change(&mut options);
    options
}

/// The text of what was bound; it is closed again.
pub fn try_bind(text: &str, options: &Options) -> Result<String> {
    let bound = Endpoint::parse_bind(text.as_bytes())?.listen(options);
    let bound = bound.map(|listener| text_of(&*listener));
    bound.map_err(|failure| failure.error)
}

pub fn bind(text: &str, options: &Options) -> Box<dyn Listener> {
    let endpoint = Endpoint::parse_bind(text.as_bytes()).expect(text);
    endpoint.listen(options).expect(text)
}

pub fn text_of(listener: &dyn Listener) -> String {
    String::from_utf8(listener.endpoint().to_vec()).expect("test endpoints are text")
}

pub fn dialers(text: &str, options: &Options) -> io::Result<Vec<Box<dyn Dialer>>> {
    let endpoint = Endpoint::parse_connect(text.as_bytes()).expect(text);
    match endpoint.address().resolve(options)? {
        Resolution::Ready(targets) => Ok(targets),
        Resolution::Lookup(job) => {
            let (answered, answer) = std::sync::mpsc::channel();
            let lookup = job.start(move || answered.send(()).expect("asked"))?;
            answer.recv().expect("a resolver thread");
            lookup.take().expect("the answer")
        }
    }
}

pub fn dial(text: &str, options: &Options) -> io::Result<ByteStream> {
    let dial = dialers(text, options)?[0].dial(options)?;
    if !dial.in_progress() {
        return dial.finish(options);
    }
    let mut dial = Some(dial);
    until("the connection", || {
        let ready = dial.as_ref().is_some_and(Dial::is_connected);
        if ready {
            return dial.take().map(|dial| dial.finish(options));
        }
        // A refused attempt never is connected; its error ends the wait.
        let refused = dial.as_ref().and_then(pending_error);
        refused.map(Err)
    })
}

fn pending_error(dial: &Dial) -> Option<io::Error> {
    let socket = dial.as_fd();
    SockRef::from(&socket).take_error().ok().flatten()
}

pub fn accept(listener: &dyn Listener, options: &Options) -> ByteStream {
    until("a peer", || listener.accept(options).expect("accept"))
}

/// Connecting end first.
pub fn pair(listener: &dyn Listener, options: &Options) -> (ByteStream, ByteStream) {
    let ours = dial(&text_of(listener), options).expect("dial");
    (ours, accept(listener, options))
}

/// Lets layers do what they have to before bytes flow.
pub fn shake_hands(streams: [&ByteStream; 2]) {
    let is_ready = |stream: &ByteStream| stream.interest(true, true) == (true, true);
    until("the handshake", || {
        for stream in streams {
            flush(stream);
            let early = stream.read(&mut [0; 1]).map_err(|error| error.kind());
            assert_eq!(early, Err(ErrorKind::WouldBlock));
        }
        streams.into_iter().all(is_ready).then_some(())
    });
}

/// Gives the kernel what a layer has kept back.
pub fn flush(stream: &ByteStream) {
    let full = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
    let result = until("room", || {
        Some(stream.flush()).filter(|result| !result.as_ref().is_err_and(full))
    });
    result.expect("flush");
    assert!(!stream.has_pending_output());
}

pub fn read_exactly(stream: &ByteStream, wanted: usize) -> Vec<u8> {
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

pub fn write_all(stream: &ByteStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let count = until("room", || match stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            other => Some(other.expect("write")),
        });
        bytes = &bytes[count..];
    }
    flush(stream);
}
