//! Loom models of a pipe's handshakes: a reader that ran dry and a writer that found the pipe full
//! are sent every change.

use super::*;
use crate::message::Msg;
use crate::sync::parker::Parker;

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

fn limit(snd: i32) -> Hwm {
    Hwm {
        snd: Some(snd),
        rcv: None,
    }
}

#[test]
fn a_reader_that_ran_dry_hears_of_the_next_message() {
    loom::model(|| {
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
        while reader.read().is_none() {
            parker.park(None); // a deadlock here is a lost wake-up
            reader.take_events();
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
