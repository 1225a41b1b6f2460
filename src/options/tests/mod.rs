//! Tests of each option against the values that libzmq accepts, refuses and returns.
//!
//! Numbers are written out here instead of taken from the constants, so that a wrong
//! constant fails too.

#![forbid(unsafe_code)]

mod context;
mod lists;
mod security;
mod value;

use super::{ContextOptions, Named, Options, When};
use crate::abi::socket_type::SocketType;
use crate::error::{Error, Result};

const MAX: i32 = i32::MAX;

/// Option number, name, least and largest value, default: the options that take an `int`.
const INTS: &[(i32, &str, i32, i32, i32)] = &[
    (8, "ZMQ_RATE", 1, MAX, 100),
    (9, "ZMQ_RECOVERY_IVL", 0, MAX, 10_000),
    (11, "ZMQ_SNDBUF", -1, MAX, -1),
    (12, "ZMQ_RCVBUF", -1, MAX, -1),
    (17, "ZMQ_LINGER", -1, MAX, -1),
    (18, "ZMQ_RECONNECT_IVL", -1, MAX, 100),
    (19, "ZMQ_BACKLOG", 0, MAX, 100),
    (21, "ZMQ_RECONNECT_IVL_MAX", 0, MAX, 0),
    (23, "ZMQ_SNDHWM", 0, MAX, 1_000),
    (24, "ZMQ_RCVHWM", 0, MAX, 1_000),
    (25, "ZMQ_MULTICAST_HOPS", 1, MAX, 1),
    (27, "ZMQ_RCVTIMEO", -1, MAX, -1),
    (28, "ZMQ_SNDTIMEO", -1, MAX, -1),
    (31, "ZMQ_IPV4ONLY", 0, 1, 1),
    (34, "ZMQ_TCP_KEEPALIVE", -1, 1, -1),
    (35, "ZMQ_TCP_KEEPALIVE_CNT", -1, MAX, -1),
    (36, "ZMQ_TCP_KEEPALIVE_IDLE", -1, MAX, -1),
    (37, "ZMQ_TCP_KEEPALIVE_INTVL", -1, MAX, -1),
    (39, "ZMQ_IMMEDIATE", 0, 1, 0),
    (42, "ZMQ_IPV6", 0, 1, 0),
    (44, "ZMQ_PLAIN_SERVER", 0, 1, 0),
    (47, "ZMQ_CURVE_SERVER", 0, 1, 0),
    (54, "ZMQ_CONFLATE", 0, 1, 0),
    (57, "ZMQ_TOS", 0, MAX, 0),
    (66, "ZMQ_HANDSHAKE_IVL", 0, MAX, 30_000),
    (74, "ZMQ_INVERT_MATCHING", i32::MIN, MAX, 0),
    (75, "ZMQ_HEARTBEAT_IVL", 0, MAX, 0),
    (76, "ZMQ_HEARTBEAT_TTL", -99, 6_553_599, 0),
    (77, "ZMQ_HEARTBEAT_TIMEOUT", 0, MAX, -1),
    (79, "ZMQ_CONNECT_TIMEOUT", 0, MAX, 0),
    (80, "ZMQ_TCP_MAXRT", 0, MAX, 0),
    (84, "ZMQ_MULTICAST_MAXTPDU", 1, MAX, 1_500),
    (89, "ZMQ_USE_FD", -1, MAX, -1),
    (94, "ZMQ_LOOPBACK_FASTPATH", i32::MIN, MAX, 0),
    (96, "ZMQ_MULTICAST_LOOP", i32::MIN, MAX, 1),
    (101, "ZMQ_IN_BATCH_SIZE", 1, MAX, 8192),
    (102, "ZMQ_OUT_BATCH_SIZE", 1, MAX, 8192),
    (112, "ZMQ_PRIORITY", 0, MAX, 0),
    (109, "ZMQ_RECONNECT_STOP", i32::MIN, MAX, 0),
    (93, "ZMQ_ZAP_ENFORCE_DOMAIN", i32::MIN, MAX, 0),
];

/// The options that are not an `int` or cannot be set.
const OTHERS: &[(i32, &str)] = &[
    (4, "ZMQ_AFFINITY"),
    (5, "ZMQ_ROUTING_ID"),
    (16, "ZMQ_TYPE"),
    (22, "ZMQ_MAXMSGSIZE"),
    (43, "ZMQ_MECHANISM"),
    (45, "ZMQ_PLAIN_USERNAME"),
    (46, "ZMQ_PLAIN_PASSWORD"),
    (48, "ZMQ_CURVE_PUBLICKEY"),
    (49, "ZMQ_CURVE_SECRETKEY"),
    (50, "ZMQ_CURVE_SERVERKEY"),
    (55, "ZMQ_ZAP_DOMAIN"),
    (92, "ZMQ_BINDTODEVICE"),
    (38, "ZMQ_TCP_ACCEPT_FILTER"),
    (58, "ZMQ_IPC_FILTER_PID"),
    (59, "ZMQ_IPC_FILTER_UID"),
    (60, "ZMQ_IPC_FILTER_GID"),
    (68, "ZMQ_SOCKS_PROXY"),
    (95, "ZMQ_METADATA"),
    (99, "ZMQ_SOCKS_USERNAME"),
    (100, "ZMQ_SOCKS_PASSWORD"),
    (103, "ZMQ_WSS_KEY_PEM"),
    (104, "ZMQ_WSS_CERT_PEM"),
    (105, "ZMQ_WSS_TRUST_PEM"),
    (106, "ZMQ_WSS_HOSTNAME"),
    (107, "ZMQ_WSS_TRUST_SYSTEM"),
    (113, "ZMQ_BUSY_POLL"),
    (97, "ZMQ_ROUTER_NOTIFY"),
    (110, "ZMQ_HELLO_MSG"),
    (111, "ZMQ_DISCONNECT_MSG"),
    (114, "ZMQ_HICCUP_MSG"),
];

const AFFINITY: i32 = 4;
const ROUTING_ID: i32 = 5;
const TYPE: i32 = 16;
const LINGER: i32 = 17;
const MAXMSGSIZE: i32 = 22;
const IPV4ONLY: i32 = 31;
const IPV6: i32 = 42;
const MECHANISM: i32 = 43;
const INVERT_MATCHING: i32 = 74;
const HEARTBEAT_TTL: i32 = 76;
const LOOPBACK_FASTPATH: i32 = 94;
const MULTICAST_LOOP: i32 = 96;
const BINDTODEVICE: i32 = 92;
const ZAP_ENFORCE_DOMAIN: i32 = 93;

const WRONG_INT_LENGTHS: [usize; 7] = [0, 1, 2, 3, 5, 8, 255];

fn pair() -> Options {
    Options::new(SocketType::Pair, &ContextOptions::default())
}

fn set_int(options: &mut Options, option: i32, value: i32) -> Result<()> {
    options.set(option, Some(&value.to_ne_bytes()))
}

fn get_int(options: &Options, option: i32) -> Result<i32> {
    let mut out = [0; 4];
    assert_eq!(options.get(option, &mut out)?, 4);
    Ok(i32::from_ne_bytes(out))
}

/// What the getter shows after a successful set.
fn reported(option: i32, value: i32) -> i32 {
    match option {
        INVERT_MATCHING | LOOPBACK_FASTPATH | MULTICAST_LOOP | ZAP_ENFORCE_DOMAIN => {
            i32::from(value != 0)
        }
        HEARTBEAT_TTL => value / 100 * 100,
        _ => value,
    }
}

#[track_caller]
fn assert_refused(options: &mut Options, option: i32, value: Option<&[u8]>) {
    let before = options.clone();
    assert_eq!(
        options.set(option, value),
        Err(Error::Invalid),
        "{option} {value:?}"
    );
    assert_eq!(*options, before, "{option} changed by a refused value");
}

#[track_caller]
fn assert_not_readable(options: &Options, option: i32, length: usize) {
    let mut out = vec![0xa5; length];
    assert_eq!(
        options.get(option, &mut out[..]),
        Err(Error::Invalid),
        "{option} at {length}"
    );
    assert!(out.iter().all(|byte| *byte == 0xa5), "{option} wrote");
}

#[test]
fn defaults_are_libzmqs() {
    for (option, name, _, _, default) in INTS {
        assert_eq!(get_int(&pair(), *option), Ok(*default), "{name}");
    }
}

#[test]
fn ranges_hold_at_both_ends() {
    for (option, name, least, most, _) in INTS.iter().copied() {
        let mut options = pair();
        for accepted in [least, most, least / 2 + most / 2, least + 1, most - 1] {
            assert_eq!(
                set_int(&mut options, option, accepted),
                Ok(()),
                "{name} {accepted}"
            );
            assert_eq!(
                get_int(&options, option),
                Ok(reported(option, accepted)),
                "{name} {accepted}"
            );
        }
        let below = least.checked_sub(1).map(|low| [low, i32::MIN]);
        let above = most.checked_add(1).map(|high| [high, MAX]);
        for refused in below.into_iter().chain(above).flatten() {
            assert_refused(&mut options, option, Some(&refused.to_ne_bytes()));
        }
    }
}

#[test]
fn int_options_want_exactly_four_bytes() {
    for (option, ..) in INTS.iter().copied() {
        let mut options = pair();
        assert_refused(&mut options, option, None);
        for length in WRONG_INT_LENGTHS {
            assert_refused(&mut options, option, Some(&vec![0; length]));
            assert_not_readable(&options, option, length);
        }
    }
}

#[test]
fn options_do_not_disturb_each_other() {
    for (option, _, _, most, default) in INTS.iter().copied() {
        let mut options = pair();
        // Differs from every default.
        let value = match option {
            MULTICAST_LOOP => 0,
            _ if most > 1 => 700,
            _ => 1 - default.max(0),
        };
        assert_eq!(set_int(&mut options, option, value), Ok(()), "{option}");
        for (other, name, _, _, default) in INTS.iter().copied() {
            let same_field =
                [option, other] == [IPV4ONLY, IPV6] || [option, other] == [IPV6, IPV4ONLY];
            if other != option && !same_field {
                assert_eq!(
                    get_int(&options, other),
                    Ok(default),
                    "{name} after {option}"
                );
            }
        }
    }
}

#[test]
fn ipv4only_is_ipv6_turned_around() {
    let mut options = pair();
    assert_eq!(set_int(&mut options, IPV4ONLY, 0), Ok(()));
    assert!(options.ipv6);
    assert_eq!(get_int(&options, IPV6), Ok(1));
    assert_eq!(set_int(&mut options, IPV6, 0), Ok(()));
    assert_eq!(get_int(&options, IPV4ONLY), Ok(1));
}

#[test]
fn heartbeat_ttl_counts_in_tenths_of_a_second() {
    let mut options = pair();
    for (set, stored) in [(-99, 0), (99, 0), (100, 1), (199, 1), (6_553_599, u16::MAX)] {
        assert_eq!(set_int(&mut options, HEARTBEAT_TTL, set), Ok(()));
        assert_eq!(options.heartbeat_ttl, stored, "{set}");
    }
    for refused in [-100, 6_553_600] {
        assert_refused(
            &mut options,
            HEARTBEAT_TTL,
            Some(&i32::to_ne_bytes(refused)),
        );
    }
}

#[test]
fn eight_byte_options() {
    let mut options = pair();
    for option in [AFFINITY, MAXMSGSIZE] {
        let mut out = [0; 8];
        let default: i64 = if option == AFFINITY { 0 } else { -1 };
        assert_eq!(options.get(option, &mut out), Ok(8));
        assert_eq!(out, default.to_ne_bytes());
        for number in [i64::MIN, -1, 0, 1, 1 << 40, i64::MAX] {
            assert_eq!(options.set(option, Some(&number.to_ne_bytes())), Ok(()));
            assert_eq!(options.get(option, &mut out), Ok(8));
            assert_eq!(out, number.to_ne_bytes());
        }
        assert_refused(&mut options, option, None);
        for length in [0, 1, 4, 7, 9, 16] {
            assert_refused(&mut options, option, Some(&vec![0; length]));
            assert_not_readable(&options, option, length);
        }
    }
    assert_eq!(options.affinity, i64::MAX as u64);
    assert_eq!(options.maxmsgsize, i64::MAX);
}

#[test]
fn routing_id_takes_1_to_255_bytes_and_reports_them_raw() {
    let mut options = pair();
    assert_eq!(options.get(ROUTING_ID, &mut []), Ok(0));
    let mut out = [0xa5; 8];
    assert_eq!(options.get(ROUTING_ID, &mut out), Ok(0));
    assert_eq!(out, [0; 8]);

    assert_eq!(options.set(ROUTING_ID, Some(b"\0id")), Ok(()));
    out = [0xa5; 8];
    assert_eq!(options.get(ROUTING_ID, &mut out), Ok(3));
    assert_eq!(&out, b"\0id\0\0\0\0\0");
    assert_eq!(options.get(ROUTING_ID, &mut out[..3]), Ok(3));
    assert_not_readable(&options, ROUTING_ID, 2);

    assert_refused(&mut options, ROUTING_ID, None);
    assert_refused(&mut options, ROUTING_ID, Some(&[]));
    assert_refused(&mut options, ROUTING_ID, Some(&[7; 256]));
    assert_eq!(options.set(ROUTING_ID, Some(&[7; 255])), Ok(()));
    assert_eq!(options.routing_id, [7; 255]);
}

#[test]
fn device_name_takes_up_to_16_bytes_and_reports_a_c_string() {
    let mut options = pair();
    let mut out = [0xa5; 8];
    assert_eq!(options.get(BINDTODEVICE, &mut out), Ok(1));
    assert_eq!(out, [0; 8]);
    assert_not_readable(&options, BINDTODEVICE, 0);

    assert_eq!(options.set(BINDTODEVICE, Some(b"eth0")), Ok(()));
    out = [0xa5; 8];
    assert_eq!(options.get(BINDTODEVICE, &mut out), Ok(5));
    assert_eq!(&out, b"eth0\0\0\0\0");
    assert_eq!(options.get(BINDTODEVICE, &mut out[..5]), Ok(5));
    assert_not_readable(&options, BINDTODEVICE, 4);

    assert_refused(&mut options, BINDTODEVICE, Some(&[]));
    assert_refused(&mut options, BINDTODEVICE, Some(&[b'x'; 17]));
    assert_eq!(options.set(BINDTODEVICE, Some(&[b'x'; 16])), Ok(()));
    assert_eq!(options.bindtodevice, [b'x'; 16]);
    assert_eq!(options.set(BINDTODEVICE, None), Ok(()));
    assert!(options.bindtodevice.is_empty());
}

#[test]
fn type_and_mechanism_are_read_only() {
    for socket_type in 0..=20 {
        let kind = SocketType::from_number(socket_type).unwrap();
        let mut options = Options::new(kind, &ContextOptions::default());
        assert_eq!(get_int(&options, TYPE), Ok(socket_type));
        assert_eq!(get_int(&options, MECHANISM), Ok(0));
        for option in [TYPE, MECHANISM] {
            assert_refused(&mut options, option, Some(&0_i32.to_ne_bytes()));
            assert_refused(&mut options, option, None);
            assert_not_readable(&options, option, 8);
        }
    }
}

#[test]
fn anything_without_a_row_is_refused() {
    let known =
        |option| INTS.iter().any(|row| row.0 == option) || OTHERS.iter().any(|row| row.0 == option);
    let mut options = pair();
    let numbers = (-2..300).chain([i32::MIN, MAX, 1_000, 4 + 128, 4 + 256]);
    for option in numbers.filter(|option| !known(*option)) {
        assert_refused(&mut options, option, None);
        for length in [0, 1, 4, 5, 8, 32, 40, 41] {
            for byte in [0, b'X'] {
                assert_refused(&mut options, option, Some(&vec![byte; length]));
            }
            assert_not_readable(&options, option, length);
        }
        assert_refused(&mut options, option, Some(&1_i32.to_ne_bytes()));
        assert_eq!(Options::name(option), None);
    }
}

#[test]
fn names_belong_to_their_numbers() {
    let ints = INTS.iter().map(|row| (row.0, row.1));
    for (option, name) in ints.chain(OTHERS.iter().copied()) {
        assert_eq!(Options::name(option), Some(name));
    }
}

#[test]
fn linger_starts_at_zero_where_waiting_is_pointless() {
    let blocky = ContextOptions::default();
    let mut relaxed = ContextOptions::default();
    assert_eq!(relaxed.set(70, 0), Ok(()));
    for socket_type in 0..=20 {
        let kind = SocketType::from_number(socket_type).unwrap();
        // SUB, XSUB and DISH.
        let expected = if [2, 10, 15].contains(&socket_type) {
            0
        } else {
            -1
        };
        assert_eq!(
            get_int(&Options::new(kind, &blocky), LINGER),
            Ok(expected),
            "type {socket_type}"
        );
        assert_eq!(get_int(&Options::new(kind, &relaxed), LINGER), Ok(0));
    }
}

#[test]
fn new_sockets_inherit_from_the_context() {
    let mut context = ContextOptions::default();
    assert!(!Options::new(SocketType::Pair, &context).ipv6);
    assert!(Options::new(SocketType::Pair, &context).zero_copy_recv);
    assert_eq!(context.set(IPV6, 5), Ok(()));
    assert_eq!(context.set(10, 0), Ok(()));
    let options = Options::new(SocketType::Pair, &context);
    assert!(!options.zero_copy_recv);
    assert_eq!(get_int(&options, IPV6), Ok(1));
    assert_eq!(get_int(&options, IPV4ONLY), Ok(0));
}

#[test]
fn conflate_acts_on_one_way_and_dealer_sockets_only() {
    for socket_type in 0..=20 {
        let kind = SocketType::from_number(socket_type).unwrap();
        let mut options = Options::new(kind, &ContextOptions::default());
        assert!(!options.effective_conflate());
        assert_eq!(set_int(&mut options, 54, 1), Ok(()));
        // PUB, SUB, DEALER, PULL, PUSH.
        let acts = [1, 2, 5, 7, 8].contains(&socket_type);
        assert_eq!(options.effective_conflate(), acts, "type {socket_type}");
    }
}

#[test]
fn heartbeat_timeout_falls_back_to_the_interval() {
    let mut options = pair();
    assert_eq!(set_int(&mut options, 75, 250), Ok(()));
    assert_eq!(options.effective_heartbeat_timeout(), 250);
    assert_eq!(set_int(&mut options, 77, 0), Ok(()));
    assert_eq!(options.effective_heartbeat_timeout(), 0);
}

#[test]
fn options_act_when_the_table_says() {
    let acts = |option| Options::when(option);
    for option in [LINGER, 23, 24, INVERT_MATCHING] {
        assert_eq!(acts(option), Some(When::Now), "{}", Named(option));
    }
    for option in [27, 28] {
        assert_eq!(acts(option), Some(When::NextWait), "{}", Named(option));
    }
    for option in [AFFINITY, ROUTING_ID, MAXMSGSIZE, IPV6] {
        assert_eq!(acts(option), Some(When::NextEndpoint), "{}", Named(option));
    }
    assert_eq!(acts(9999), None);
    let shown = [LINGER, 9999].map(|option| Named(option).to_string());
    assert_eq!(shown, ["ZMQ_LINGER", "option 9999"]);
}

#[test]
fn messages_to_and_about_peers_are_any_bytes() {
    let mut options = pair();
    for option in [110, 111, 114] {
        assert_eq!(options.set(option, Some(b"\0msg")), Ok(()));
        assert_not_readable(&options, option, 8);
    }
    assert_eq!(options.hello_msg, b"\0msg");
    assert!(options.effective_hello().is_empty(), "a PAIR says no hello");
    for option in [110, 111, 114] {
        assert_eq!(options.set(option, None), Ok(()));
    }
    assert!(options.disconnect_msg.is_empty() && options.hiccup_msg.is_empty());
}

#[test]
fn router_notify_is_for_routers() {
    for kind in [SocketType::Router, SocketType::Rep, SocketType::Dealer] {
        let mut options = Options::new(kind, &ContextOptions::default());
        for flags in 0..=3 {
            let taken = set_int(&mut options, 97, flags).is_ok();
            assert_eq!(taken, kind != SocketType::Dealer);
            assert_eq!(get_int(&options, 97), Ok(if taken { flags } else { 0 }));
        }
        for wrong in [-1, 4] {
            assert_eq!(set_int(&mut options, 97, wrong), Err(Error::Invalid));
        }
    }
}
