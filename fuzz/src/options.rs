//! Options of sockets and contexts, with any value: what is accepted is what
//! the reference manual says, and can be read back.

#![forbid(unsafe_code)]

use super::input::Input;
use zmq::abi::options::draft::*;
use zmq::abi::options::*;
use zmq::testing::error::Error;
use zmq::testing::options::{ContextOptions, z85};
use zmq::testing::runtime::{context, socket};

/// What an option takes.
#[derive(Clone, Copy)]
enum Rule {
    /// An `int` of this range.
    Int(i32, i32),
    /// The same, kept in hundreds.
    Hundreds(i32, i32),
    /// Any `int`, read back as 0 or 1.
    Switch,
    /// Eight bytes of any content.
    Long,
    /// So many bytes, at least one.
    Bytes(usize),
    /// The same, read back with a NUL behind.
    Text(usize),
    /// The same, and no value at all to clear it.
    Clearable(usize),
    /// 32 bytes or their text.
    Key,
}

const MAX: i32 = i32::MAX;

/// What every socket type has. (PLAIN's names are left out of the clearing:
/// they stay, and the mechanism goes.)
const RULES: &[(i32, Rule)] = &[
    (ZMQ_AFFINITY, Rule::Long),
    (ZMQ_ROUTING_ID, Rule::Bytes(255)),
    (ZMQ_RATE, Rule::Int(1, MAX)),
    (ZMQ_RECOVERY_IVL, Rule::Int(0, MAX)),
    (ZMQ_SNDBUF, Rule::Int(-1, MAX)),
    (ZMQ_RCVBUF, Rule::Int(-1, MAX)),
    (ZMQ_LINGER, Rule::Int(-1, MAX)),
    (ZMQ_RECONNECT_IVL, Rule::Int(-1, MAX)),
    (ZMQ_RECONNECT_IVL_MAX, Rule::Int(0, MAX)),
    (ZMQ_BACKLOG, Rule::Int(0, MAX)),
    (ZMQ_MAXMSGSIZE, Rule::Long),
    (ZMQ_SNDHWM, Rule::Int(0, MAX)),
    (ZMQ_RCVHWM, Rule::Int(0, MAX)),
    (ZMQ_MULTICAST_HOPS, Rule::Int(1, MAX)),
    (ZMQ_RCVTIMEO, Rule::Int(-1, MAX)),
    (ZMQ_SNDTIMEO, Rule::Int(-1, MAX)),
    (ZMQ_IPV6, Rule::Int(0, 1)),
    (ZMQ_IPV4ONLY, Rule::Int(0, 1)),
    (ZMQ_TCP_KEEPALIVE, Rule::Int(-1, 1)),
    (ZMQ_TCP_KEEPALIVE_CNT, Rule::Int(-1, MAX)),
    (ZMQ_TCP_KEEPALIVE_IDLE, Rule::Int(-1, MAX)),
    (ZMQ_TCP_KEEPALIVE_INTVL, Rule::Int(-1, MAX)),
    (ZMQ_IMMEDIATE, Rule::Int(0, 1)),
    (ZMQ_PLAIN_SERVER, Rule::Int(0, 1)),
    (ZMQ_PLAIN_USERNAME, Rule::Text(255)),
    (ZMQ_PLAIN_PASSWORD, Rule::Text(255)),
    (ZMQ_CURVE_SERVER, Rule::Int(0, 1)),
    (ZMQ_CURVE_PUBLICKEY, Rule::Key),
    (ZMQ_CURVE_SECRETKEY, Rule::Key),
    (ZMQ_CURVE_SERVERKEY, Rule::Key),
    (ZMQ_ZAP_DOMAIN, Rule::Text(255)),
    (ZMQ_CONFLATE, Rule::Int(0, 1)),
    (ZMQ_TOS, Rule::Int(0, MAX)),
    (ZMQ_HANDSHAKE_IVL, Rule::Int(0, MAX)),
    (ZMQ_INVERT_MATCHING, Rule::Switch),
    (ZMQ_HEARTBEAT_IVL, Rule::Int(0, MAX)),
    (ZMQ_HEARTBEAT_TTL, Rule::Hundreds(-99, 6_553_599)),
    (ZMQ_HEARTBEAT_TIMEOUT, Rule::Int(0, MAX)),
    (ZMQ_CONNECT_TIMEOUT, Rule::Int(0, MAX)),
    (ZMQ_TCP_MAXRT, Rule::Int(0, MAX)),
    (ZMQ_MULTICAST_MAXTPDU, Rule::Int(1, MAX)),
    (ZMQ_USE_FD, Rule::Int(-1, MAX)),
    (ZMQ_BINDTODEVICE, Rule::Clearable(16)),
    (ZMQ_SOCKS_PROXY, Rule::Clearable(usize::MAX)),
];

impl Rule {
    /// What is read back after a value was set; `None` if it must be refused.
    fn expected(self, value: Option<&[u8]>) -> Option<Vec<u8>> {
        let int = || Some(i32::from_ne_bytes(value?.try_into().ok()?));
        let bytes = |max| value.filter(|value| (1..=max).contains(&value.len()));
        let text = |bytes: &[u8]| [bytes, b"\0"].concat();
        match self {
            Rule::Int(least, most) => {
                let value = int().filter(|value| (least..=most).contains(value))?;
                Some(value.to_ne_bytes().to_vec())
            }
            Rule::Hundreds(least, most) => {
                let value = int().filter(|value| (least..=most).contains(value))?;
                Some((value / 100 * 100).to_ne_bytes().to_vec())
            }
            Rule::Switch => Some(i32::from(int()? != 0).to_ne_bytes().to_vec()),
            Rule::Long => Some(value.filter(|value| value.len() == 8)?.to_vec()),
            Rule::Bytes(max) => Some(bytes(max)?.to_vec()),
            Rule::Text(max) => Some(text(bytes(max)?)),
            Rule::Clearable(max) if value.is_some() => Some(text(bytes(max)?)),
            Rule::Clearable(_) => Some(text(&[])),
            Rule::Key => key(value?),
        }
    }

    /// A buffer of a size that is right for the option.
    fn buffer(self) -> Vec<u8> {
        let size = match self {
            Rule::Int(..) | Rule::Hundreds(..) | Rule::Switch => 4,
            Rule::Long => 8,
            Rule::Key => 32,
            Rule::Bytes(_) | Rule::Text(_) | Rule::Clearable(_) => 4096,
        };
        vec![0xAA; size]
    }
}

fn key(value: &[u8]) -> Option<Vec<u8>> {
    let text = match value.len() {
        32 => return Some(value.to_vec()),
        40 => value,
        41 if value[40] == 0 => &value[..40],
        _ => return None,
    };
    let mut key = vec![0; 32];
    z85::decode(text, &mut key).ok().map(|()| key)
}

/// A socket of some type, and calls that set and get options.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let context = context::create().expect("a context").address();
    let kind = input.below(12) as i32;
    let socket = socket::create(context, kind).expect("a socket").address();
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        let call = input.byte();
        match call >> 6 {
            0 | 1 => known(&mut input, socket, call),
            2 => any(&mut input, socket),
            _ => of_context(&mut input, context),
        }
    }
    if input.byte() == 1 {
        context::shutdown(context).expect("a context");
        let refused = socket::set_option(socket, ZMQ_LINGER, Some(&[0; 4]));
        assert_eq!(refused, Err(Error::Term));
    }
    assert_eq!(socket::close(socket), Ok(()));
    assert_eq!(context::terminate(context, false), Ok(()));
}

/// A value of any length, or none.
fn value(input: &mut Input<'_>) -> Option<Vec<u8>> {
    Some(match input.below(8) {
        0 => return None,
        1 => i32::from(input.byte() as i8).to_ne_bytes().to_vec(),
        2 | 3 => input.take(4).to_vec(),
        4 => input.take(8).to_vec(),
        5 => {
            let length = 32 + 4 * input.below(4);
            input.take(length).to_vec()
        }
        6 => input.take(41).to_vec(),
        _ => input.short().to_vec(),
    })
}

fn get(socket: usize, option: i32, rule: Rule) -> Vec<u8> {
    let mut out = rule.buffer();
    let length = socket::get_option(socket, option, &mut out[..]).expect("can be read");
    assert!(out[length..].iter().all(|byte| *byte == 0));
    out.truncate(length);
    out
}

/// An option that every socket has.
fn known(input: &mut Input<'_>, socket: usize, call: u8) {
    let (option, rule) = RULES[usize::from(call & 63) % RULES.len()];
    let before = get(socket, option, rule);
    let value = value(input);
    let result = socket::set_option(socket, option, value.as_deref());
    let after = get(socket, option, rule);
    let credential = matches!(option, ZMQ_PLAIN_USERNAME | ZMQ_PLAIN_PASSWORD);
    match rule.expected(value.as_deref()) {
        Some(expected) => assert_eq!((result, after), (Ok(()), expected), "option {option}"),
        None if credential && value.is_none() => assert_eq!((result, after), (Ok(()), before)),
        None => assert_eq!(
            (result, after),
            (Err(Error::Invalid), before),
            "option {option}"
        ),
    }
}

/// Any number: what is refused changes no buffer.
fn any(input: &mut Input<'_>, socket: usize) {
    let option = match input.byte() {
        255 => i32::from(input.word() as i16) << 8,
        number => i32::from(number),
    };
    let value = value(input);
    if let Err(error) = socket::set_option(socket, option, value.as_deref()) {
        assert_eq!(error, Error::Invalid, "option {option}");
    }
    let mut out = vec![0xAA; input.below(80)];
    match socket::get_option(socket, option, &mut out[..]) {
        Ok(length) => assert!(length <= out.len()),
        Err(error) => {
            assert_eq!(error, Error::Invalid, "option {option}");
            assert!(out.iter().all(|byte| *byte == 0xAA), "option {option}");
        }
    }
}

/// A context's option: least value, and what is read back.
fn of_context(input: &mut Input<'_>, context: usize) {
    let option = i32::from(input.byte()) - 1;
    let bytes: Vec<u8> = input.take(4).to_vec();
    let Ok(bytes) = <[u8; 4]>::try_from(bytes) else {
        return;
    };
    let value = i32::from_ne_bytes(bytes);
    let before = context::get(context, option);
    let result = context::set(context, option, value);
    let after = context::get(context, option);
    let expected = match option {
        ZMQ_IO_THREADS | ZMQ_MAX_MSGSZ if value >= 0 => Ok(value),
        ZMQ_MAX_SOCKETS if value >= 1 => Ok(value),
        ZMQ_IPV6 | ZMQ_BLOCKY | ZMQ_ZERO_COPY_RECV if value >= 0 => Ok((value != 0).into()),
        ZMQ_IO_THREADS | ZMQ_MAX_MSGSZ | ZMQ_MAX_SOCKETS | ZMQ_IPV6 | ZMQ_BLOCKY
        | ZMQ_ZERO_COPY_RECV => Err(Error::Invalid),
        _ => {
            assert!(result.is_ok() || result == Err(Error::Invalid));
            assert!(result.is_ok() || before == after);
            return with_text(input, option);
        }
    };
    assert_eq!(result.is_ok(), expected.is_ok(), "option {option} {value}");
    assert_eq!(after, expected.or(before), "option {option} {value}");
}

/// The calls that take and give bytes.
fn with_text(input: &mut Input<'_>, option: i32) {
    let mut options = ContextOptions::default();
    let value = value(input);
    let result = options.set_bytes(option, value.as_deref());
    let mut out = vec![0xAA; input.below(24)];
    let got = options.get_bytes(option, &mut out[..]);
    for result in [result, got] {
        assert!(result.is_ok() || result == Err(Error::Invalid));
    }
    assert!(got.is_ok() || out.iter().all(|byte| *byte == 0xAA));
    let _ = options.thread_name("io");
}
