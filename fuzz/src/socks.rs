//! What a SOCKS5 proxy may answer, against RFC 1928 and 1929.

#![forbid(unsafe_code)]

use super::input::Input;
use zmq::testing::transport::Socks;

/// A target, a login, and all that the proxy says.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let host = String::from_utf8_lossy(input.short());
    let host = host.repeat(1 + input.below(3));
    let (user, password) = (input.short(), input.short());
    let port = input.word();
    let fits = user.is_empty() || password.len() < 256;
    let numeric = host.parse::<std::net::IpAddr>().is_ok();
    let client = Socks::new(&host, port, user, password);
    assert_eq!(client.is_ok(), fits && (numeric || host.len() < 256));
    let Ok(mut client) = client else { return };
    let answers = input.rest();
    let mut rest = answers;
    let mut sent = take_output(&mut client);
    let result = loop {
        let wanted = client.wanted();
        assert!((1..=257).contains(&wanted));
        let Some((now, later)) = rest.split_at_checked(wanted) else {
            break Ok(false);
        };
        rest = later;
        match client.advance(now) {
            Ok(false) => sent.extend(take_output(&mut client)),
            other => break other,
        }
    };
    let used = answers.len() - rest.len();
    assert_eq!(
        result.ok(),
        expected(!user.is_empty(), &answers[..used], result.is_ok())
    );
    if result == Ok(true) {
        assert_eq!((client.wanted(), client.output()), (0, &b""[..]));
        assert!(sent.ends_with(&port.to_be_bytes()), "the request was sent");
    }
}

fn take_output(client: &mut Socks) -> Vec<u8> {
    let output = client.output().to_vec();
    client.sent(output.len());
    assert!(client.output().is_empty());
    output
}

/// What these answers, of which the last one decided, must lead to.
fn expected(login: bool, answers: &[u8], open: bool) -> Option<bool> {
    let mut rest = answers;
    let mut part = |length: usize| {
        let (part, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(part)
    };
    let Some(choice) = part(2) else {
        return Some(false);
    };
    match choice {
        [5, 0] => {}
        [5, 2] if login => match part(2) {
            None => return Some(false),
            Some([1, 0]) => {}
            Some(_) => return None,
        },
        _ => return None,
    }
    let Some(reply) = part(5) else {
        return Some(false);
    };
    let [5, 0, 0, kind, first] = reply else {
        return None;
    };
    let length = match kind {
        1 => 5,
        3 => usize::from(*first) + 2,
        4 => 17,
        _ => return None,
    };
    Some(part(length).is_some() && open)
}
