//! Loom models of a pipe's handshakes: a reader that ran dry and a writer that found the pipe full
//! are sent every change, and what an event or a mark stands for is visible to who sees that.

use super::*;
use crate::io_policy::tunables::PIPE_BATCH;
use crate::message::Msg;
use crate::sync::parker::Parker;
use std::sync::Arc;

struct Waker(crate::sync::Arc<Parker>);

impl Listener for Waker {
    fn pipe_event(&self, _token: usize) {
        self.0.unpark();
    }
}

fn listen(end: &PipeEnd) -> crate::sync::Arc<Parker> {
    let parker = crate::sync::Arc::new(Parker::new());
    end.set_listener(Arc::new(Waker(parker.clone())), 0);
    parker
}

/// Reads a message that another thread writes, however long that takes.
fn read_one(reader: &mut PipeEnd, parker: &Parker) {
    while reader.read().is_none() {
        parker.park(None); // a deadlock here is a lost wake-up
        reader.take_events();
    }
}

fn limit(snd: i32) -> Hwm {
    Hwm {
        snd: Some(snd),
        rcv: None,
    }
}

#[test]
fn a_reader_that_ran_dry_hears_of_the_next_message() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let parker = listen(&reader);
        let thread = loom::thread::spawn(move || {
            writer.write_unchecked(Msg::new());
            writer.flush();
            writer.write_unchecked(Msg::new());
            writer.flush();
            writer
        });
        let mut got = 0;
        while got < 2 {
            while reader.read().is_some() {
                got += 1;
            }
            if got < 2 {
                parker.park(None); // a deadlock here is a lost wake-up
                reader.take_events();
            }
        }
        drop(thread.join().unwrap());
    });
}

/// The writer publishes with a plain store, and the reader runs the barrier of the asymmetric fence
/// when it runs dry.
#[test]
fn a_reader_of_a_stream_that_ran_dry_hears_of_the_next_message() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let parker = listen(&reader);
        let write = |writer: &mut PipeEnd| {
            writer.write_unchecked(Msg::new());
            writer.flush();
        };
        // Enough messages for the reader to expect a stream when it runs dry, and then one more,
        // which wakes it.
        for count in [2, 1] {
            (0..count).for_each(|_| write(&mut writer));
            (0..count).for_each(|_| drop(reader.read().unwrap()));
            assert!(count == 1 || reader.read().is_none());
            reader.take_events();
        }
        parker.reset();
        let thread = loom::thread::spawn(move || {
            write(&mut writer);
            writer
        });
        read_one(&mut reader, &parker);
        drop(thread.join().unwrap());
    });
}

/// The reader goes over to the asymmetric fence while the writer publishes.
#[test]
fn a_reader_that_begins_to_expect_a_stream_hears_of_the_next_message() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let parker = listen(&reader);
        for _ in 0..2 {
            writer.write_unchecked(Msg::new());
            writer.flush();
            assert!(reader.read().is_some());
        }
        reader.take_events();
        parker.reset();
        let thread = loom::thread::spawn(move || {
            writer.write_unchecked(Msg::new());
            writer.flush();
            writer
        });
        read_one(&mut reader, &parker);
        drop(thread.join().unwrap());
    });
}

/// So much is written at once that the reader's listener is called.
#[test]
fn a_reader_that_runs_dry_hears_of_a_long_message() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let parker = listen(&reader);
        writer.write_unchecked(Msg::new());
        writer.flush();
        assert!(reader.read().is_some());
        reader.take_events();
        parker.reset();
        let thread = loom::thread::spawn(move || {
            writer.write_unchecked(Msg::new());
            writer.writer.load = PIPE_BATCH; // as if it were that long
            writer.flush();
            writer
        });
        read_one(&mut reader, &parker);
        drop(thread.join().unwrap());
    });
}

#[test]
fn a_listener_hears_of_what_came_before_it() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let thread = loom::thread::spawn(move || {
            writer.write_unchecked(Msg::new());
            writer.flush();
            writer
        });
        let parker = listen(&reader);
        parker.park(None); // a deadlock here is a lost wake-up
        assert_eq!(reader.take_events(), event::READ);
        assert!(reader.read().is_some());
        drop(thread.join().unwrap());
    });
}

#[test]
fn what_an_event_stands_for_is_visible() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let thread = loom::thread::spawn(move || writer.withdraw());
        if reader.take_events() & event::CLOSED != 0 {
            assert!(reader.is_peer_closed() && reader.is_withdrawn());
            assert!(!reader.check_write());
        }
        thread.join().unwrap();
    });
}

#[test]
fn what_the_end_of_the_peer_stands_for_is_visible() {
    loom::model(|| {
        let (mut writer, reader) = pair(limit(0), limit(0), false);
        let thread = loom::thread::spawn(move || writer.withdraw());
        if reader.is_peer_closed() {
            assert!(reader.is_withdrawn());
        }
        thread.join().unwrap();
    });
}

#[test]
fn what_was_written_before_the_end_is_visible() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let thread = loom::thread::spawn(move || {
            writer.write_unchecked(Msg::new());
            writer.close();
        });
        if reader.is_peer_closed() {
            assert!(reader.read().is_some());
        } else if reader.read().is_none() {
            assert!(!reader.is_ended());
        }
        thread.join().unwrap();
    });
}

#[test]
fn a_reader_that_sees_a_restart_reads_nothing_from_before() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        writer.write_unchecked(Msg::new());
        writer.flush();
        reader.hiccup();
        let thread = loom::thread::spawn(move || {
            writer.restart();
            writer
        });
        if !reader.awaits_restart() {
            assert!(reader.read().is_none());
        }
        drop(thread.join().unwrap());
    });
}

#[test]
fn a_writer_that_was_full_hears_of_the_room() {
    for lazy in [false, true] {
        loom::model(move || {
            let (mut writer, mut reader) = pair(limit(1), limit(0), false);
            if lazy {
                writer.set_lazy();
            }
            let parker = listen(&writer);
            writer.write_unchecked(Msg::new());
            writer.flush();
            let thread = loom::thread::spawn(move || {
                assert!(reader.read().is_some());
                reader
            });
            while !writer.check_write() {
                parker.park(None); // a deadlock here is a lost wake-up
                writer.take_events();
            }
            drop(thread.join().unwrap());
        });
    }
}

#[test]
fn a_writer_that_was_full_hears_of_a_higher_limit() {
    loom::model(|| {
        let (mut writer, reader) = pair(limit(1), limit(0), false);
        let parker = listen(&writer);
        writer.write_unchecked(Msg::new());
        writer.flush();
        let thread = loom::thread::spawn(move || {
            reader.set_hwm(0, 3);
            reader
        });
        while !writer.check_write() {
            parker.park(None); // a deadlock here is a lost wake-up
            writer.take_events();
        }
        drop(thread.join().unwrap());
    });
}

#[test]
fn a_reader_hears_of_the_end() {
    loom::model(|| {
        let (mut writer, mut reader) = pair(limit(0), limit(0), false);
        let parker = listen(&reader);
        let thread = loom::thread::spawn(move || {
            writer.write_unchecked(Msg::new());
            drop(writer);
        });
        let mut got = 0;
        loop {
            while reader.read().is_some() {
                got += 1;
            }
            if reader.is_ended() {
                break;
            }
            parker.park(None);
            reader.take_events();
        }
        assert_eq!(got, 1);
        thread.join().unwrap();
    });
}
