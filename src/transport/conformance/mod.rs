//! What every transport must do: one suite, run for each row of `rows`.
//!
//! A row that this system cannot run is named on stderr, with the error of the system's own call
//! that shows it; then the library must fail as well.

#![forbid(unsafe_code)]

/// Makes the tests for the rows of these names. For `rows` to call.
macro_rules! suite {
    ($($row:ident)+) => {
        #[test]
        fn every_scheme_has_its_rows() {
            let names: &[&str] = &[$(stringify!($row)),+];
            assert_eq!(names, ROWS.iter().map(|row| row.name).collect::<Vec<_>>());
            for scheme in SCHEMES.iter().map(|scheme| scheme.spec()) {
                let name = scheme.name;
                assert!(TEXTS.iter().any(|texts| texts.scheme == name), "{name}");
                let streams = ROWS.iter().any(|row| row.scheme() == name);
                assert_eq!(streams, scheme.carries == Carries::Bytes, "{name}");
            }
        }
        $(mod $row {
            fn run(connects: bool, check: fn(&super::Row)) {
                let row = super::ROWS.iter().find(|row| row.name == stringify!($row));
                row.expect("a row").run(connects, check);
            }
            suite!(@checks true, echoes would_block_and_end large_writes vectors missing_listener
                closed_listener many accept_gate);
            suite!(@checks false, closed_endpoint_is_free endpoint_in_use wildcard);
        })+
    };
    (@checks $connects:expr, $($check:ident)+) => {
        $(#[test]
        fn $check() {
            run($connects, super::super::$check);
        })+
    };
}

mod framed;
pub mod helpers;
pub mod layered;
mod rows;

use super::{ByteStream, Endpoint, Listener, SCHEMES};
use crate::error::Error;
use crate::options::Options;
use helpers::*;
use proptest::prelude::*;
use rows::{ROWS, Row, TEXTS};
use std::io::{ErrorKind, IoSlice, Write};
use std::thread;

impl Row {
    fn options(&self) -> Options {
        with(self.change)
    }

    fn bind(&self) -> (Box<dyn Listener>, Options) {
        let options = self.options();
        (bind(&(self.endpoint)(), &options), options)
    }

    /// Connecting end first.
    fn pair(&self, listener: &dyn Listener, options: &Options) -> (ByteStream, ByteStream) {
        let ours = dial(&(self.peer)(&text_of(listener)), options).expect("dial");
        let theirs = accept(listener, options);
        let (ours, theirs) = ((self.dress)(ours), (self.dress)(theirs));
        shake_hands([&ours, &theirs]);
        (ours, theirs)
    }

    /// Runs a check that needs a listener, and both ends if `connects`.
    fn run(&self, connects: bool, check: fn(&Row)) {
        match (self.system)() {
            Err(_) => assert!(try_bind(&(self.endpoint)(), &self.options()).is_err()),
            Ok(()) if connects && (self.loopback)().is_err() => {}
            Ok(()) => check(self),
        }
    }
}

#[test]
fn what_this_system_cannot_run_is_named() {
    for row in ROWS {
        let missing = match ((row.system)(), row.loopback) {
            (Err(error), _) => format!("not available on this system: {error}"),
            (Ok(()), loopback) => match loopback() {
                Err(error) => format!("no connection to itself on this system: {error}"),
                Ok(()) => continue,
            },
        };
        // Past the capture of the test harness.
        writeln!(std::io::stderr(), "{}: {missing}", row.name).expect("stderr");
    }
}

#[test]
fn texts_come_back_as_shown_and_others_are_refused() {
    for texts in TEXTS {
        let whole = |text: &str| format!("{}://{text}", texts.scheme).into_bytes();
        let shown = |endpoint: Endpoint| String::from_utf8(endpoint.text()).expect("test text");
        for (text, bound, connected) in texts.good {
            let results = [
                Endpoint::parse_bind(&whole(text)),
                Endpoint::parse_connect(&whole(text)),
            ];
            for (result, expected) in results.into_iter().zip([bound, connected]) {
                let expected = expected.map(|text| format!("{}://{text}", texts.scheme));
                assert_eq!(result.map(shown), expected, "{text}");
            }
        }
        for (text, error) in texts.refused {
            let bound = Endpoint::parse_bind(&whole(text)).map(shown);
            assert_eq!(bound, Err(*error), "bind {text:?}");
            let connected = Endpoint::parse_connect(&whole(text)).map(shown);
            assert_eq!(connected, Err(*error), "connect {text:?}");
        }
    }
}

#[test]
fn schemes() {
    for (text, expected) in [
        ("", Error::Invalid),
        ("tcp", Error::Invalid),
        ("tcp:/x", Error::Invalid),
        ("://x", Error::Invalid),
        ("://", Error::Invalid),
        ("foo://", Error::Invalid),
        ("foo://x", Error::ProtoNotSupported),
        ("TCP://127.0.0.1:0", Error::ProtoNotSupported),
        (" tcp://127.0.0.1:0", Error::ProtoNotSupported),
    ] {
        let (bound, connected) = (
            Endpoint::parse_bind(text.as_bytes()),
            Endpoint::parse_connect(text.as_bytes()),
        );
        assert_eq!(bound.err(), Some(expected), "bind {text:?}");
        assert_eq!(connected.err(), Some(expected), "connect {text:?}");
    }
    for scheme in SCHEMES {
        let nothing = format!("{}://", scheme.spec().name);
        let bound = Endpoint::parse_bind(nothing.as_bytes());
        assert_eq!(bound.err(), Some(Error::Invalid), "{nothing}");
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        for scheme in SCHEMES {
            let _ = scheme.parse_bind(&bytes);
            let _ = scheme.parse_connect(&bytes);
        }
    }

    #[test]
    fn parsing_addresses_never_panics(text in "(tcp|ipc|inproc)://[-\\[\\]0-9a-fx%:;*@. \u{e9}]{0,120}") {
        let _ = Endpoint::parse_bind(text.as_bytes());
        if let Ok(endpoint) = Endpoint::parse_connect(text.as_bytes()) {
            // Whatever can be connected to is found again under its text.
            prop_assert_eq!(endpoint.text(), text.as_bytes());
        }
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

fn echoes(row: &Row) {
    let (listener, options) = row.bind();
    assert!(listener.accept(&options).expect("accept").is_none());
    let (ours, theirs) = row.pair(&*listener, &options);
    write_all(&ours, b"hello");
    assert_eq!(read_exactly(&theirs, 5), b"hello");
    write_all(&theirs, b"world!");
    assert_eq!(read_exactly(&ours, 6), b"world!");
    if row.ends_are_named {
        assert_eq!(ours.remote_endpoint(), listener.endpoint());
        assert_eq!(theirs.local_endpoint(), listener.endpoint());
        assert_eq!(theirs.remote_endpoint(), ours.local_endpoint());
    }
}

fn would_block_and_end(row: &Row) {
    let (listener, options) = row.bind();
    let (ours, theirs) = row.pair(&*listener, &options);
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

fn large_writes(row: &Row) {
    let (listener, options) = row.bind();
    let (ours, theirs) = row.pair(&*listener, &options);
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

fn vectors(row: &Row) {
    let (listener, options) = row.bind();
    let (ours, theirs) = row.pair(&*listener, &options);
    let pieces = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
    assert_eq!(ours.write_vectored(&pieces).expect("write"), 5);
    flush(&ours);
    assert_eq!(read_exactly(&theirs, 5), b"abcde");
    // More pieces than the system takes at once: the rest is left to the caller.
    let many = vec![IoSlice::new(b"x"); 5000];
    let count = ours.write_vectored(&many).expect("write");
    assert!((1..=5000).contains(&count));
    flush(&ours);
    assert_eq!(read_exactly(&theirs, count), vec![b'x'; count]);
}

fn missing_listener(row: &Row) {
    let (listener, options) = row.bind();
    let text = text_of(&*listener);
    listener.close().expect("close");
    let error = dial(&(row.peer)(&text), &options).expect_err("nobody listens");
    let errors = [libc::ECONNREFUSED, libc::ENOENT, libc::ECONNRESET];
    let code = error.raw_os_error();
    assert!(code.is_some_and(|code| errors.contains(&code)), "{error}");
}

fn closed_listener(row: &Row) {
    let (listener, options) = row.bind();
    let (ours, theirs) = row.pair(&*listener, &options);
    drop(listener);
    write_all(&ours, b"still here");
    assert_eq!(read_exactly(&theirs, 10), b"still here");
}

fn many(row: &Row) {
    let (listener, options) = row.bind();
    let streams: Vec<_> = (0..20).map(|_| row.pair(&*listener, &options)).collect();
    for (index, (ours, theirs)) in streams.iter().enumerate() {
        write_all(ours, &[index as u8]);
        assert_eq!(read_exactly(theirs, 1), [index as u8]);
    }
}

/// What closed can be bound again at once.
fn closed_endpoint_is_free(row: &Row) {
    let (listener, options) = row.bind();
    let text = text_of(&*listener);
    listener.close().expect("close");
    // A wildcard's file is gone together with its directory.
    if row.name != "ipc_wildcard" {
        assert_eq!(try_bind(&text, &options), Ok(text));
    }
}

fn endpoint_in_use(row: &Row) {
    let (listener, options) = row.bind();
    let text = text_of(&*listener);
    let expected = match row.takes_over {
        true => Ok(text.clone()),
        false => Err(Error::AddrInUse),
    };
    assert_eq!(try_bind(&text, &options), expected);
}

fn wildcard(row: &Row) {
    let (Some(wildcard), options) = (row.wildcard, row.options()) else {
        return;
    };
    let bound = [bind(wildcard, &options), bind(wildcard, &options)];
    let [first, second] = bound.each_ref().map(|listener| text_of(&**listener));
    assert_ne!(first, second);
    assert!(first != wildcard && second != wildcard, "{first}");
}

/// The accept gate, where the transport has one.
fn accept_gate(row: &Row) {
    let Some(exclude) = row.exclude else {
        return;
    };
    let (listener, options) = row.bind();
    let _ours = dial(&(row.peer)(&text_of(&*listener)), &options).expect("dial");
    let mut closed = options;
    exclude(&mut closed);
    let refused = until("a peer", || listener.accept(&closed).err());
    assert_eq!(refused.raw_os_error(), Some(libc::EACCES));
}
