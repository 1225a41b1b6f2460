//! Bodies of commands, and lists of metadata: what is read is what was written.

#![forbid(unsafe_code)]

use zmq::testing::zmtp::command::{self, Command, MAX_CONTEXT};
use zmq::testing::zmtp::metadata;

/// The input is a body, and it is a list.
pub fn run(input: &[u8]) {
    commands(input);
    properties(input);
}

fn commands(body: &[u8]) {
    let mut again = Vec::new();
    match command::parse(body) {
        None => return refused(body),
        Some(Command::Ping { ttl_ds, context }) => command::ping(ttl_ds, context, &mut again),
        Some(Command::Pong { context }) => {
            command::pong(context, &mut again);
            let kept = context.len().min(MAX_CONTEXT);
            return assert_eq!(again, body[..5 + kept]);
        }
        Some(Command::Subscribe(topic)) => command::subscribe(topic, &mut again),
        Some(Command::Cancel(topic)) => command::cancel(topic, &mut again),
        Some(Command::Join(group)) => command::join(group, &mut again),
        Some(Command::Leave(group)) => command::leave(group, &mut again),
        Some(Command::Ready(list)) => {
            again.extend_from_slice(b"\x05READY");
            again.extend_from_slice(list);
            properties(list);
        }
        Some(Command::Error(reason)) => {
            assert_eq!(usize::from(body[6]), reason.len());
            return assert_eq!(body[7..][..reason.len()], *reason);
        }
        Some(Command::Other) => {
            let name = &body[1..][..usize::from(body[0])];
            let known: [&[u8]; 4] = [b"PING", b"SUBSCRIBE", b"CANCEL", b"READY"];
            return assert!(!known.contains(&name));
        }
    }
    assert_eq!(again, body);
}

/// Nothing; a name cut short; PING or ERROR without what belongs to them.
fn refused(body: &[u8]) {
    let Some((length, rest)) = body.split_first() else {
        return;
    };
    let Some(name) = rest.get(..usize::from(*length)) else {
        return;
    };
    let data = &rest[name.len()..];
    match name {
        b"PING" => assert!(data.len() < 2),
        b"ERROR" => assert!(
            data.first()
                .is_none_or(|len| usize::from(*len) >= data.len())
        ),
        _ => panic!("{body:?} is a command"),
    }
}

fn properties(list: &[u8]) {
    let mut again = Vec::new();
    let mut ended = false;
    for property in metadata::properties(list) {
        assert!(!ended, "goes on behind its end");
        match property {
            Ok((name, value)) => metadata::append(name, value, &mut again),
            Err(metadata::Malformed) => ended = true,
        }
    }
    assert!(list.starts_with(&again));
    assert_eq!(ended, again.len() < list.len());
}
