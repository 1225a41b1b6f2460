use super::*;

#[test]
fn groups_appear_whole_and_roll_back() {
    let (mut tx, mut rx) = queue::<u32>();
    tx.push(1, false);
    tx.publish(false);
    assert_eq!(rx.pop(), None);
    tx.push(2, true);
    tx.push(3, false);
    assert!(tx.publish(false));
    assert_eq!(rx.peek(), Some(&1));
    assert_eq!(tx.rollback(), 1);
    for i in 10..1000 {
        tx.push(i, false);
    }
    assert_eq!(tx.rollback(), 990);
    tx.push(4, true);
    tx.publish(false);
    let got: Vec<_> = std::iter::from_fn(|| rx.pop()).collect();
    assert_eq!(got, [1, 2, 4]);
}

#[test]
fn long_runs_across_threads_keep_order() {
    let (mut tx, mut rx) = queue::<Box<u64>>();
    const N: u64 = if cfg!(miri) { 2_000 } else { 300_000 };
    let thread = std::thread::spawn(move || {
        for i in 0..N {
            tx.push(Box::new(i), true);
            if i % 7 == 0 {
                tx.publish(false);
            }
        }
        tx.publish(false);
    });
    let mut expected = 0;
    while expected < N {
        match rx.pop() {
            Some(value) => {
                assert_eq!(*value, expected);
                expected += 1;
            }
            None => std::thread::yield_now(),
        }
    }
    thread.join().unwrap();
}

#[test]
fn leftovers_are_dropped_wherever_the_ends_stand() {
    let value = std::sync::Arc::new(());
    for (pushed, popped) in [
        (0, 0),
        (3, 0),
        (3, 3),
        (4, 4),
        (500, 130),
        (500, 500),
        (5, 4),
    ] {
        let (mut tx, mut rx) = queue();
        for _ in 0..pushed {
            tx.push(value.clone(), true);
        }
        tx.publish(false);
        for _ in 0..popped {
            assert!(rx.pop().is_some());
        }
        tx.push(value.clone(), false);
        if popped % 2 == 0 {
            drop(rx);
            drop(tx);
        } else {
            drop(tx);
            drop(rx);
        }
        assert_eq!(std::sync::Arc::strong_count(&value), 1, "{pushed} {popped}");
    }
}
