use super::*;
use crate::sync::Mutex;

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
}

#[test]
fn metadata_changes_in_the_stream() {
    let (mut a, mut b) = pair(NONE, NONE, false);
    let metadata = |fd| Arc::new(Metadata::new([], Some(fd)));
    a.write_metadata(metadata(1));
    a.write(msg("x")).unwrap();
    a.write_metadata(metadata(2));
    a.write(msg("y")).unwrap();
    a.flush();
    for fd in [1, 2] {
        assert_eq!(b.read().unwrap().metadata().unwrap().source_fd(), Some(fd));
    }
    assert!(b.read().is_none());
}
