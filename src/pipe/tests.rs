use super::*;
use crate::io_policy::tunables::{MESSAGE_COST, PIPE_BATCH};
use crate::message::{Body, Metadata, Msg, Outgoing, Received, flag};
use crate::sync::Mutex;
use crate::sync::atomic::Ordering;
use std::sync::Arc;

mod ends;
mod paths;

const NONE: Hwm = Hwm {
    snd: Some(0),
    rcv: None,
};

#[derive(Default)]
struct Log(Mutex<Vec<usize>>);

impl Listener for Log {
    fn pipe_event(&self, token: usize) {
        self.0.lock().push(token);
    }
}

fn msg(text: &str) -> Msg {
    Msg::inline(text.as_bytes())
}

fn limit(snd: i32) -> Hwm {
    Hwm {
        snd: Some(snd),
        rcv: None,
    }
}

#[test]
fn multipart_is_atomic() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    a.write(msg("1").with(flag::MORE)).unwrap();
    a.flush();
    assert!(!b.check_read());
    a.rollback();
    a.write(msg("2").with(flag::MORE)).unwrap();
    a.write(msg("3")).unwrap();
    a.flush();
    assert_eq!(b.read().unwrap().data(), b"2");
    assert_eq!(b.read().unwrap().data(), b"3");
    assert!(b.read().is_none());
}

#[test]
fn full_at_the_mark_and_open_again_at_the_low_mark() {
    let (mut a, mut b) = pair(limit(4), NONE, false);
    let log = Arc::new(Log::default());
    a.set_listener(log.clone(), 7);
    for _ in 0..4 {
        a.write(msg("x")).unwrap();
    }
    assert!(a.write(msg("y")).is_err());
    a.flush();
    b.read().unwrap();
    assert!(!a.check_write());
    assert!(log.0.lock().is_empty());
    b.read().unwrap();
    assert_eq!(*log.0.lock(), [7]);
    assert_eq!(a.take_events(), event::WRITE);
    assert!(a.write(msg("y")).is_ok());
    assert!(a.write(msg("y")).is_ok());
    assert!(a.write(msg("y")).is_err());
}

#[test]
fn room_is_what_the_high_water_mark_leaves() {
    let (mut a, mut b) = pair(limit(4), NONE, false);
    for left in (0..4).rev() {
        assert!(a.check_write());
        assert_eq!(a.room(), left + 1);
        a.write(msg("x")).unwrap();
        assert_eq!(a.room(), left);
    }
    assert!(!a.check_write());
    a.flush();
    // The low-water mark, which returns the credit to the writer, is half of that.
    assert!(b.read().is_some() && !a.check_write() && a.room() == 0);
    assert!(b.read().is_some() && a.check_write());
    assert_eq!(a.room(), 2);
    assert_eq!(b.room(), usize::MAX);
}

#[test]
fn inproc_limit_is_the_sum_unless_one_part_is_unlimited() {
    for (snd, rcv, expected) in [(2, 3, 5), (0, 3, 100), (2, 0, 100)] {
        let (mut a, _b) = pair(
            Hwm {
                snd: Some(snd),
                rcv: Some(rcv),
            },
            NONE,
            false,
        );
        let count = (0..100).take_while(|_| a.write(msg("")).is_ok()).count();
        assert_eq!(count, expected);
    }
}

#[test]
fn reader_hears_once_and_only_after_it_ran_dry() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    let log = Arc::new(Log::default());
    a.write(msg("before")).unwrap();
    a.flush();
    b.set_listener(log.clone(), 3);
    assert_eq!(
        *log.0.lock(),
        [3],
        "what came before is told at registration"
    );
    assert_eq!(b.take_events(), event::READ);
    a.write(msg("more")).unwrap();
    a.flush();
    assert_eq!(
        log.0.lock().len(),
        1,
        "the reader never said it had run dry"
    );
    while b.read().is_some() {}
    a.write(msg("again")).unwrap();
    a.flush();
    a.write(msg("and again")).unwrap();
    a.flush();
    assert_eq!(log.0.lock().len(), 2);
}

#[test]
fn close_leaves_what_was_written_and_then_ends() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    a.write(msg("1")).unwrap();
    a.write(msg("half").with(flag::MORE)).unwrap();
    drop(a);
    assert_eq!(b.take_events() & event::CLOSED, event::CLOSED);
    assert!(b.is_peer_closed() && !b.is_ended());
    assert!(!b.check_write());
    assert_eq!(b.read().unwrap().data(), b"1");
    assert!(b.read().is_none());
    assert!(b.is_ended());
}

#[test]
fn conflating_pipe_keeps_the_latest() {
    let (mut a, mut b) = pair(limit(2), NONE, true);
    for i in 0..10u8 {
        a.write(Msg::inline(&[i])).unwrap();
        a.flush();
    }
    assert_eq!(b.read().unwrap().data(), [9]);
    assert!(b.read().is_none());
}

#[test]
fn hiccup_voids_what_was_written_before_the_restart() {
    let (mut a, mut b) = pair(limit(4), NONE, false);
    for _ in 0..4 {
        a.write(msg("old")).unwrap();
    }
    a.flush();
    b.hiccup();
    assert_eq!(a.take_events(), event::HICCUP);
    assert!(b.awaits_restart());
    a.restart();
    assert!(!b.awaits_restart());
    assert!(b.read().is_none());
    a.write(msg("new")).unwrap();
    a.flush();
    assert_eq!(b.read().unwrap().data(), b"new");
    // The other way round as well.
    a.hiccup();
    assert_eq!(b.take_events() & event::HICCUP, event::HICCUP);
    b.restart();
    assert_eq!(a.take_events() & event::READ, event::READ);
}

#[test]
fn metadata_changes_in_the_stream() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    let metadata = |fd| Arc::new(Metadata::new(std::iter::empty(), Some(fd)));
    a.write_metadata(metadata(1));
    a.write(msg("x")).unwrap();
    a.write_metadata(metadata(2));
    a.write(msg("y")).unwrap();
    a.flush();
    for fd in [1, 2] {
        assert_eq!(b.read().unwrap().metadata().unwrap().source_fd(), Some(fd));
        assert_eq!(b.metadata().unwrap().source_fd(), Some(fd));
    }
    assert!(b.read().is_none());
}

/// Pseudo-random numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

type Parts = std::collections::VecDeque<(Vec<u8>, bool)>;

/// A part of any size and representation; some go into runs, some do not.
fn part(dice: &mut Dice, count: u8) -> Vec<u8> {
    let len = match dice.below(10) {
        0 => 0,
        1..=6 => dice.below(100),
        7 => 254 + dice.below(4),
        8 => dice.below(2048),
        _ => 2040 + dice.below(3000),
    };
    (0..len).map(|i| count.wrapping_add(i as u8)).collect()
}

fn write_any(dice: &mut Dice, end: &mut PipeEnd, body: &[u8], more: bool) {
    let copy = dice.below(3) == 0;
    let msg = match (dice.below(3), Body::new(body)) {
        (0, Some(body)) => return write_one(end, body, more, copy),
        (1, _) => Msg::slice(&mut filled(body), 0, body.len()),
        _ => Msg::copy_from(body).unwrap(),
    };
    write_one(end, msg, more, copy);
}

fn write_one(end: &mut PipeEnd, mut part: impl Outgoing, more: bool, copy: bool) {
    part.renew(more);
    match copy {
        true => assert!(end.write_copy(&mut part)),
        false => assert!(end.write_from(&mut part)),
    }
}

fn filled(body: &[u8]) -> crate::message::Block {
    let mut block = crate::message::Block::new(body.len().max(1)).unwrap();
    assert!(block.room(0).put(body));
    block
}

/// What a connection takes, as parts: flags, size, body.
fn parse(bytes: &[u8], into: &mut Parts) {
    let mut rest = bytes;
    while let [flags, short, ..] = *rest {
        let (size, header) = match flags & 2 {
            0 => (usize::from(short), 2),
            _ => (usize::from(rest[7]) << 8 | usize::from(rest[8]), 9),
        };
        into.push_back((rest[header..header + size].to_vec(), flags & 1 != 0));
        rest = &rest[header + size..];
    }
    assert!(rest.is_empty());
}

#[test]
fn whatever_is_written_comes_out_the_same() {
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let between_sockets = dice.below(2) == 0;
        let forward = Hwm {
            snd: Some(0),
            rcv: between_sockets.then_some(0),
        };
        let (mut a, mut b) = pair(forward, NONE, false);
        a.set_framing();
        let (mut expected, mut open, mut got) = (Parts::new(), Parts::new(), Parts::new());
        for step in 0..400u32 {
            match dice.below(8) {
                0..=3 => {
                    let body = part(&mut dice, step as u8);
                    let more = dice.below(4) == 0;
                    write_any(&mut dice, &mut a, &body, more);
                    open.push_back((body, more));
                    if !more {
                        expected.append(&mut open);
                    }
                }
                4 => a.flush(),
                5 if dice.below(4) == 0 => {
                    a.rollback();
                    open.clear();
                }
                6 if !between_sockets => {
                    let limit = 1 + dice.below(5000) as usize;
                    if let Some(frames) = b.take_frames(limit) {
                        parse(frames.bytes, &mut got);
                        assert_eq!(frames.more, got.back().unwrap().1);
                    }
                }
                _ => {
                    if let Some(msg) = b.read() {
                        got.push_back((msg.data().to_vec(), msg.more()));
                    }
                }
            }
        }
        a.rollback();
        a.flush();
        if dice.below(2) == 0 {
            drop(a);
        }
        // Some are left unread, to be dropped with the pipe.
        let leave = dice.below(3) as usize * 20;
        while got.len() + leave < expected.len() {
            let msg = b.read().expect("something is missing");
            got.push_back((msg.data().to_vec(), msg.more()));
        }
        let read = got.len();
        assert!(got == &expected.make_contiguous()[..read], "seed {seed}");
    }
}

#[test]
fn a_run_of_received_frames_is_read_like_messages() {
    let wire = b"\x01\x01a\x00\x02bc\x00\x00\x02\0\0\0\0\0\0\0\x03def\x00\x28";
    let mut bytes = wire.to_vec();
    bytes.extend_from_slice(&[7; 40]);
    let mut block = filled(&bytes);
    let (mut a, mut b) = pair(NONE, NONE, false);
    let run = Received::at(&mut block, 0, bytes.len(), usize::MAX, u64::MAX).unwrap();
    let messages = run.messages();
    assert_eq!((messages.parts, messages.count), (5, 4));
    a.write_run(run);
    a.flush();
    let mut kept = Vec::new();
    for (body, more) in [
        (&b"a"[..], true),
        (b"bc", false),
        (b"", false),
        (b"def", false),
    ] {
        let msg = b.read().unwrap();
        assert_eq!((msg.data(), msg.more()), (body, more));
    }
    kept.extend(b.read());
    assert!(b.read().is_none());
    assert!(!block.reclaim(), "a slice is out");
    drop((a, b));
    assert_eq!(kept[0].data(), [7; 40]);
    kept.clear();
    assert!(block.reclaim());
}

#[test]
fn what_is_withdrawn_is_told_before_the_end() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    a.write(msg("x")).unwrap();
    a.flush();
    assert!(b.check_read() && !b.is_withdrawn());
    a.withdraw();
    assert!(b.is_withdrawn());
    assert_ne!(b.take_events() & event::CLOSED, 0);
    // A reader in the middle of a message finds the rest of it.
    assert_eq!(b.read().unwrap().data(), b"x");
    assert!(b.read().is_none() && b.is_ended());
}

#[test]
fn what_a_connection_leaves_unread_is_told_in_bytes() {
    let (forward, backward) = (
        Hwm {
            snd: Some(1000),
            rcv: None,
        },
        Hwm {
            snd: None,
            rcv: Some(1000),
        },
    );
    let (mut socket, mut connection) = pair(forward, backward, false);
    let (size, count) = (10_000, 100);
    for _ in 0..count {
        connection
            .write(Msg::copy_from(&vec![0; size]).unwrap())
            .unwrap();
        connection.flush();
    }
    connection.close();
    let exact = |left: usize| (left * (size + MESSAGE_COST)) as u64;
    for left in (0..=count).rev() {
        let credited = socket.unread_bytes();
        // Not less than the exact number, and above it by one ledger mark at most.
        assert!(credited >= exact(left), "{credited} for {left}");
        assert!(
            credited <= exact(left) + PIPE_BATCH as u64,
            "{credited} for {left}"
        );
        assert!(connection.left_unread() >= credited);
        assert_eq!(socket.read().is_some(), left > 0);
    }
    assert_eq!(socket.unread_bytes(), 0);
}
