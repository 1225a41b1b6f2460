//! The context options, row by row.

#![forbid(unsafe_code)]

use super::WRONG_INT_LENGTHS;
use crate::abi::options::ZMQ_FERRO_SPIN;
use crate::error::Error;
use crate::options::ContextOptions;
use crate::sys;

const MAX: i32 = i32::MAX;

/// Number, name, least value accepted (`None`: cannot be set), default (`None`: cannot be
/// read), and whether it is a switch.
type ContextRow = (i32, &'static str, Option<i32>, Option<i32>, bool);

const CONTEXT: &[ContextRow] = &[
    (1, "ZMQ_IO_THREADS", Some(0), Some(1), false),
    (2, "ZMQ_MAX_SOCKETS", Some(1), Some(1_023), false),
    (4, "ZMQ_THREAD_SCHED_POLICY", Some(0), Some(-1), false),
    (5, "ZMQ_MAX_MSGSZ", Some(0), Some(MAX), false),
    (6, "ZMQ_MSG_T_SIZE", None, Some(64), false),
    (7, "ZMQ_THREAD_AFFINITY_CPU_ADD", Some(0), None, false),
    (10, "ZMQ_ZERO_COPY_RECV", Some(0), Some(1), true),
    (42, "ZMQ_IPV6", Some(0), Some(0), true),
    (70, "ZMQ_BLOCKY", Some(0), Some(1), true),
];

const NAME_PREFIX: i32 = 9;

#[test]
fn context_ranges_and_defaults() {
    for (option, name, least, default, switch) in CONTEXT.iter().copied() {
        let mut options = ContextOptions::default();
        assert_eq!(options.get(option), default.ok_or(Error::Invalid), "{name}");
        let Some(least) = least else {
            assert_eq!(options.set(option, 1), Err(Error::Invalid), "{name}");
            continue;
        };
        for value in [least, least + 1, 7, MAX] {
            assert_eq!(options.set(option, value), Ok(()), "{name} {value}");
            let shown = if switch { i32::from(value != 0) } else { value };
            let expected = default.map(|_| shown).ok_or(Error::Invalid);
            assert_eq!(options.get(option), expected, "{name} {value}");
        }
        let before = options.clone();
        for value in [least - 1, -1, i32::MIN] {
            assert_eq!(
                options.set(option, value),
                Err(Error::Invalid),
                "{name} {value}"
            );
        }
        assert_eq!(options, before, "{name}");
    }
}

/// On a thread that has one CPU, its peer can only run while it sleeps.
#[test]
fn waiting_threads_poll_only_beside_a_second_cpu() {
    let spins = || ContextOptions::default().get(ZMQ_FERRO_SPIN);
    let mut options = ContextOptions::default();
    assert_eq!(spins(), Ok(i32::from(!sys::has_one_cpu())));
    for (value, shown) in [(0, 0), (7, 1)] {
        assert_eq!(options.set(ZMQ_FERRO_SPIN, value), Ok(()));
        assert_eq!(options.get(ZMQ_FERRO_SPIN), Ok(shown));
    }
    assert_eq!(options.set(ZMQ_FERRO_SPIN, -1), Err(Error::Invalid));
    let pinned = std::thread::spawn(move || {
        let mut cpus = 0..1024;
        assert!(cpus.any(|cpu| {
            sys::set_thread_affinity(&[cpu]);
            sys::has_one_cpu()
        }));
        spins()
    });
    assert_eq!(pinned.join().unwrap(), Ok(0));
}

#[test]
fn context_number_three_is_two_options() {
    let mut options = ContextOptions::default();
    assert_eq!(options.thread_priority, None);
    assert_eq!(options.set(3, -1), Err(Error::Invalid));
    assert_eq!(options.set(3, 9), Ok(()));
    assert_eq!(options.thread_priority, Some(9));
    assert_eq!(options.get(3), Ok(65_535));
}

#[test]
fn context_cpu_set() {
    let mut options = ContextOptions::default();
    for cpu in [3, 1, 3] {
        assert_eq!(options.set(7, cpu), Ok(()));
    }
    assert!(options.thread_affinity.iter().eq(&[1, 3]));
    assert_eq!(options.set(8, 2), Err(Error::Invalid));
    assert_eq!(options.set(8, -1), Err(Error::Invalid));
    assert_eq!(options.set(8, 3), Ok(()));
    assert_eq!(options.set(8, 3), Err(Error::Invalid));
    assert_eq!(options.get(8), Err(Error::Invalid));
    assert!(options.thread_affinity.iter().eq(&[1]));
}

#[test]
fn context_refuses_what_it_does_not_know() {
    let mut options = ContextOptions::default();
    let known = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 42, 70];
    for option in (-2..200).chain([i32::MIN, MAX]) {
        if !known.contains(&option) {
            assert_eq!(options.set(option, 1), Err(Error::Invalid), "{option}");
            assert_eq!(options.get(option), Err(Error::Invalid), "{option}");
            assert_eq!(
                options.set_bytes(option, Some(b"text")),
                Err(Error::Invalid)
            );
        }
    }
    assert_eq!(options, ContextOptions::default());
}

#[test]
fn context_bytes_are_an_int_of_exactly_four() {
    let mut options = ContextOptions::default();
    for (option, name, least, default, _) in CONTEXT.iter().copied() {
        for length in WRONG_INT_LENGTHS {
            let value = vec![0; length];
            assert_eq!(
                options.set_bytes(option, Some(&value)),
                Err(Error::Invalid),
                "{name}"
            );
            let mut out = vec![0xa5; length];
            assert_eq!(
                options.get_bytes(option, &mut out[..]),
                Err(Error::Invalid),
                "{name}"
            );
            assert!(out.iter().all(|byte| *byte == 0xa5), "{name} wrote");
        }
        assert_eq!(
            options.set_bytes(option, None),
            Err(Error::Invalid),
            "{name}"
        );
        let mut out = [0; 4];
        let read = options.get_bytes(option, &mut out);
        let read = read.map(|()| i32::from_ne_bytes(out));
        assert_eq!(read, default.ok_or(Error::Invalid), "{name}");
        let set = options.set_bytes(option, Some(&7_i32.to_ne_bytes()));
        assert_eq!(set, least.map(|_| ()).ok_or(Error::Invalid), "{name}");
    }
}

#[test]
fn thread_name_prefix_is_a_number_or_a_text() {
    let mut options = ContextOptions::default();
    assert_eq!(options.get(NAME_PREFIX), Ok(0));
    assert_eq!(options.get_bytes(NAME_PREFIX, &mut []), Ok(()));
    assert_eq!(options.thread_name("IO/0"), "ZMQbg/IO/0");

    assert_eq!(options.set(NAME_PREFIX, -12), Ok(()));
    assert_eq!(options.thread_name_prefix, b"-12");
    assert_eq!(options.get(NAME_PREFIX), Ok(-12));

    assert_eq!(options.set_bytes(NAME_PREFIX, Some(b"12 worker")), Ok(()));
    assert_eq!(options.get(NAME_PREFIX), Ok(12));
    let mut out = [0xa5; 11];
    assert_eq!(options.get_bytes(NAME_PREFIX, &mut out), Ok(()));
    assert_eq!(&out, b"12 worker\xa5\xa5");
    assert_eq!(
        options.get_bytes(NAME_PREFIX, &mut out[..8]),
        Err(Error::Invalid)
    );
    assert_eq!(options.get_bytes(NAME_PREFIX, &mut out[..4]), Ok(()));
    assert_eq!(&out[..4], 12_i32.to_ne_bytes());
    assert_eq!(options.thread_name("Reaper"), "12 worker/ZMQbg/Reaper");

    // Four bytes are a number, even where they look like text.
    assert_eq!(
        options.set_bytes(NAME_PREFIX, Some(&77_i32.to_ne_bytes())),
        Ok(())
    );
    assert_eq!(options.thread_name_prefix, b"77");

    for refused in [None, Some(&[][..]), Some(&[b'x'; 17][..])] {
        assert_eq!(options.set_bytes(NAME_PREFIX, refused), Err(Error::Invalid));
    }
    assert_eq!(options.set_bytes(NAME_PREFIX, Some(&[b'x'; 16])), Ok(()));
    assert_eq!(options.set_bytes(NAME_PREFIX, Some(b"a\0\xff")), Ok(()));
    assert_eq!(options.thread_name("IO/0"), "a\u{fffd}/ZMQbg/IO/0");
}

#[test]
fn name_prefix_reads_like_atoi() {
    let mut options = ContextOptions::default();
    let cases: [(&[u8], i32); 9] = [
        (b" \t\n+8x", 8),
        (b"-7abc", -7),
        (b"- 7ab", 0),
        (b"0x1ff", 0),
        (b"abc", 0),
        (b"2147483648", i32::MIN),
        (b"99999999999", 1_215_752_191),
        (b"9999999999999999", 1_874_919_423),
        (b"\0" as &[u8], 0),
    ];
    for (text, number) in cases {
        assert_eq!(options.set_bytes(NAME_PREFIX, Some(text)), Ok(()));
        assert_eq!(options.get(NAME_PREFIX), Ok(number), "{text:?}");
    }
}
