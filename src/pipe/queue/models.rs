//! Loom models of the queue: order, visibility, and the reuse of chunks.

use super::*;

#[test]
fn a_chunk_is_used_again_after_its_reader_has_left_it() {
    loom::model(|| {
        let (mut tx, mut rx) = queue::<u32>();
        // Chunks of 1, 2 and 2 items: the next push needs one, the next but one pop leaves one.
        (0..5).for_each(|item| tx.push(item, true));
        tx.publish(false);
        (0..2).for_each(|item| assert_eq!(rx.pop(), Some(item)));
        let thread = loom::thread::spawn(move || {
            (5..7).for_each(|item| tx.push(item, true));
            tx.publish(false);
        });
        assert_eq!([rx.pop(), rx.pop()], [Some(2), Some(3)]);
        thread.join().unwrap();
        assert!(std::iter::from_fn(|| rx.pop()).eq(4..7));
    });
}

#[test]
fn what_waits_can_be_taken() {
    loom::model(|| {
        let (mut tx, mut rx) = queue::<u32>();
        let thread = loom::thread::spawn(move || {
            tx.push(1, true);
            tx.publish(false);
        });
        if rx.waiting_now() > 0 {
            assert_eq!(rx.pop(), Some(1));
        }
        thread.join().unwrap();
    });
}

#[test]
fn order_and_visibility() {
    loom::model(|| {
        let (mut tx, mut rx) = queue::<u32>();
        let thread = loom::thread::spawn(move || {
            for i in 0..4 {
                tx.push(i, true);
                if i != 1 {
                    tx.publish(false);
                }
            }
        });
        let mut got = Vec::new();
        for _ in 0..3 {
            got.extend(rx.pop());
        }
        thread.join().unwrap();
        got.extend(std::iter::from_fn(|| rx.pop()));
        assert_eq!(got, [0, 1, 2, 3]);
    });
}
