//! The short paths of frames, the asymmetric fence, long messages, and conflating pipes.

use super::*;
use crate::sync::membarrier;

const BETWEEN_SOCKETS: Hwm = Hwm {
    snd: Some(0),
    rcv: Some(0),
};

/// A pipe whose first end writes frames.
fn framing(forward: Hwm) -> (PipeEnd, PipeEnd) {
    let (mut a, b) = pair(forward, NONE, false);
    a.set_framing();
    (a, b)
}

fn text(part: &Msg) -> &str {
    std::str::from_utf8(part.data()).unwrap()
}

fn write_body(end: &mut PipeEnd, body: &str, more: bool) -> bool {
    let mut body = Body::new(body.as_bytes()).unwrap();
    body.renew(more);
    end.write_from(&mut body)
}

/// The ways to read: each part, if it is there.
fn ways() -> [fn(&mut PipeEnd) -> Option<String>; 4] {
    [
        |end| end.read().map(|part| text(&part).to_string()),
        |end| {
            let mut part = Msg::new();
            end.read_frame(&mut part)?;
            Some(text(&part).to_string())
        },
        |end| {
            let mut text = String::new();
            end.read_frame(&mut Reading::new(|body: &[u8]| {
                text = String::from_utf8(body.to_vec()).unwrap();
            }))?;
            Some(text)
        },
        |end| {
            let frames = end.take_frames(1)?;
            Some(String::from_utf8(frames.bytes[2..].to_vec()).unwrap())
        },
    ]
}

#[test]
fn a_restart_voids_frames_too_and_returns_their_credit() {
    for read in ways() {
        let (mut a, mut b) = framing(limit(4));
        let log = Arc::new(Log::default());
        b.set_listener(log.clone(), 1);
        a.write(msg("old")).unwrap();
        for _ in 0..3 {
            a.write(msg("old").with(flag::MORE)).unwrap();
            a.write(msg("old")).unwrap();
        }
        assert!(!a.check_write());
        a.flush();
        assert!(b.check_read());
        b.take_events();
        b.hiccup();
        assert_eq!(a.take_events(), event::HICCUP);
        let calls = log.0.lock().len();
        a.restart();
        assert_eq!(log.0.lock().len(), calls + 1, "though it has not run dry");
        assert_eq!(b.take_events(), event::READ);
        assert_eq!(read(&mut b), None, "void");
        assert!(!b.check_read());
        assert!(a.check_write());
        assert_eq!(a.room(), 4);
        a.write(msg("new")).unwrap();
        a.flush();
        assert!(b.check_read());
        assert_eq!(read(&mut b).as_deref(), Some("new"));
    }
}

#[test]
fn frames_count_as_messages_whichever_way_they_are_read() {
    for read in ways() {
        let (mut a, mut b) = framing(limit(4));
        a.write(msg("1")).unwrap();
        for part in ["2", "3"] {
            assert!(write_body(&mut a, part, true));
        }
        assert!(write_body(&mut a, "4", false) && write_body(&mut a, "5", false));
        a.write(msg("6")).unwrap();
        assert!(!write_body(&mut a, "x", false), "the high-water mark");
        a.flush();
        assert!(b.check_read());
        for (part, has_room) in ["1", "2", "3"].into_iter().zip([false; 3]) {
            assert_eq!(read(&mut b).as_deref(), Some(part));
            assert_eq!(a.check_write(), has_room, "after {part}");
        }
        assert_eq!(read(&mut b).as_deref(), Some("4"));
        assert!(a.check_write(), "the low-water mark");
        assert_eq!(a.room(), 2);
        b.close();
        assert_eq!(read(&mut b), None);
    }
}

#[test]
fn a_change_of_the_limit_returns_the_credit_of_what_was_read() {
    let (mut a, mut b) = pair(limit(8), NONE, false);
    for _ in 0..8 {
        a.write(msg("x")).unwrap();
    }
    a.flush();
    for _ in 0..3 {
        b.read().unwrap();
    }
    assert!(!a.check_write(), "the low-water mark is at 4");
    a.set_hwm(4, 0);
    a.take_events();
    b.read().unwrap();
    assert!(!a.check_write(), "4 are in the pipe");
    b.read().unwrap();
    b.read().unwrap();
    assert!(a.check_write());
    assert_eq!(a.room(), 2, "6 of 8 were read");
}

#[test]
fn bodies_are_copied_to_runs_only_where_that_was_asked_for() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    for _ in 0..2 {
        assert!(write_body(&mut a, "1", false));
        assert!(a.write_copy(&mut msg("1")));
    }
    a.flush();
    assert!(b.take_frames(100).is_none(), "a frame");
    for _ in 0..4 {
        assert_eq!(text(&b.read().unwrap()), "1");
    }
    // A long one is none either.
    let (mut a, mut b) = framing(NONE);
    let mut long = Msg::copy_from(&[1; 5000]).unwrap();
    assert!(a.write_copy(&mut long));
    a.flush();
    assert!(b.take_frames(10_000).is_none());
    assert_eq!(b.read().unwrap().len(), 5000);
}

#[test]
fn frames_carry_the_metadata_except_to_bare_messages() {
    let (mut a, mut b) = framing(NONE);
    let metadata = Arc::new(Metadata::new(std::iter::empty(), Some(3)));
    a.write_metadata(metadata);
    for _ in 0..4 {
        a.write(msg("x")).unwrap();
    }
    a.flush();
    assert!(b.check_read());
    for bare in [false, true, true, false] {
        let mut into = Msg::new();
        let flags = match bare {
            true => b.read_frame(&mut Bare(&mut into)),
            false => b.read_frame(&mut into),
        };
        assert_eq!(flags, Some(0));
        let found = into.metadata().and_then(|metadata| metadata.source_fd());
        assert_eq!(found, (!bare).then_some(3));
    }
}

/// A run ends in the middle of a message, and a message begins or ends in one; what was written
/// before stays when the next message is taken back.
#[test]
fn a_message_that_is_taken_back_leaves_those_before_it() {
    let long = || Msg::copy_from(&[9; 5000]).unwrap();
    for (first, last) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut a, mut b) = framing(NONE);
        let part = |is_long: bool| if is_long { long() } else { msg("short") };
        a.write(msg("before")).unwrap();
        a.write(part(first).with(flag::MORE)).unwrap();
        a.write(part(last)).unwrap();
        a.write(msg("behind")).unwrap();
        for half in [true, false] {
            a.write(part(half).with(flag::MORE)).unwrap();
            a.rollback();
        }
        a.write(msg("end")).unwrap();
        a.flush();
        let sizes = [first, last].map(|is_long| part(is_long).len());
        for expected in [6, sizes[0], sizes[1], 6, 3] {
            assert_eq!(b.read().map(|part| part.len()), Some(expected));
        }
        assert!(b.read().is_none());
    }
}

/// Counts what its methods are called for; `serves` is the answer to the second.
struct Filling {
    events: Mutex<usize>,
    fillings: Mutex<usize>,
    serves: bool,
}

impl Listener for Filling {
    fn pipe_event(&self, _token: usize) {
        *self.events.lock() += 1;
    }

    fn pipe_filling(&self, _token: usize) -> bool {
        *self.fillings.lock() += 1;
        self.serves
    }
}

#[test]
fn a_reader_is_served_when_much_is_written_or_hears_of_it() {
    for (swap, serves) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut a, mut b) = pair(NONE, NONE, false);
        if swap {
            std::mem::swap(&mut a, &mut b);
        }
        let listener = Arc::new(Filling {
            events: Mutex::default(),
            fillings: Mutex::default(),
            serves,
        });
        b.set_listener(listener.clone(), 0);
        let counts = || (*listener.events.lock(), *listener.fillings.lock());
        assert!(b.read().is_none());
        a.flush();
        assert_eq!(counts(), (0, 0), "nothing was written");
        a.write(msg("short")).unwrap();
        a.flush();
        assert_eq!((counts(), b.take_events()), ((1, 0), event::READ));
        while b.read().is_some() {}
        for calls in 1..3 {
            a.write(Msg::copy_from(&[0; PIPE_BATCH]).unwrap()).unwrap();
            a.flush();
            let events = 1 + usize::from(!serves);
            assert_eq!(counts(), (events, calls), "one event while it is not dry");
        }
    }
    // A listener without an answer of its own gets the event.
    let (mut a, mut b) = pair(NONE, NONE, false);
    b.set_listener(Arc::new(Log::default()), 0);
    a.write(Msg::copy_from(&[0; PIPE_BATCH]).unwrap()).unwrap();
    a.flush();
    assert_eq!(b.take_events(), event::READ);
}

/// Writes and reads so many messages, until the reader has run dry.
fn pass(a: &mut PipeEnd, b: &mut PipeEnd, count: usize) {
    for _ in 0..count {
        a.write(msg("x")).unwrap();
        a.flush();
        b.read().unwrap();
    }
    assert!(b.read().is_none());
}

#[test]
fn a_reader_of_a_socket_that_ran_dry_after_many_messages_expects_a_stream() {
    const MANY: usize = 200;
    membarrier::prepare(true);
    let from_connection = Hwm {
        snd: None,
        rcv: Some(0),
    };
    for (forward, is_socket) in [
        (BETWEEN_SOCKETS, true),
        (NONE, true),
        (from_connection, false),
    ] {
        let (mut a, mut b) = pair(forward, NONE, false);
        assert!(b.read().is_none() && !b.reader.weak);
        for _ in 0..2 {
            for count in [1, 20, MANY, MANY, 1] {
                pass(&mut a, &mut b, count);
                let expected = count == MANY && is_socket && membarrier::is_ready();
                assert_eq!(b.reader.weak, expected, "after {count}");
                assert_eq!(b.input().weak.load(Ordering::Relaxed), expected);
            }
        }
    }
}

#[test]
fn the_place_of_a_conflating_pipe_is_read_to_its_end() {
    let (mut a, mut b) = pair(NONE, NONE, true);
    let log = Arc::new(Log::default());
    b.set_listener(log.clone(), 1);
    assert!(!b.check_read() && !b.is_ended());
    for value in ["1", "2"] {
        a.write(msg(value)).unwrap();
        a.flush();
        assert_eq!(log.0.lock().len(), 1);
        assert!(b.check_read());
    }
    assert!(write_body(&mut a, "2", false) && b.take_frames(10).is_none());
    a.close();
    assert!(b.check_read() && !b.is_ended());
    assert_eq!(text(&b.read().unwrap()), "2");
    assert!(!b.check_read() && b.is_ended());
}
