//! STREAM: ids, closing, peers that are full or gone.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::options::*;

/// The automatic ids, which count from the seed of [`Net`].
const FIRST: &[u8] = b"\0\x01\x02\x03\xff";
const SECOND: &[u8] = b"\0\x01\x02\x04\0";

fn address(net: &mut Net, at: usize, id: &[u8]) -> Result<()> {
    let msg = Msg::copy_from(id).unwrap().with(flag::MORE);
    net.send_msg(at, msg)
}

fn give(net: &mut Net, at: usize, id: &[u8], data: &str) -> Result<()> {
    address(net, at, id)?;
    net.send(at, data)
}

fn peer(net: &mut Net, at: usize) -> PipeEnd {
    net.raw(at, Attachment::default()).1
}

#[test]
fn every_message_is_an_id_and_data() {
    let mut net = Net::default();
    let stream = net.socket(STREAM);
    let (mut a, mut b) = (peer(&mut net, stream), peer(&mut net, stream));
    write(&mut a, &[""]);
    write(&mut a, &["x"]);
    write(&mut b, &["y"]);
    for polled in [true, false] {
        assert!(!polled || net.has_in(stream) && net.has_in(stream));
        let id = net.recv_msg(stream).unwrap();
        assert!(id.more());
        assert!(net.has_in(stream));
        assert!(!net.recv_msg(stream).unwrap().more());
    }
    // One from each in turn: the empty one, then the other peer's.
    assert_eq!(net.drain(stream), text(&["\\x00\\x01\\x02\\x03\\xff|x"]));
    assert!(!net.has_in(stream));
    give(&mut net, stream, SECOND, "to b").unwrap();
    give(&mut net, stream, FIRST, "to a").unwrap();
    assert_eq!(a.read().unwrap().data(), b"to a");
    assert_eq!(b.read().unwrap().data(), b"to b");
    assert!(net.has_out(stream));
}

#[test]
fn the_application_learns_automatic_ids() {
    let mut net = Net::default();
    let stream = net.socket(STREAM);
    assert_eq!(net.pattern(stream).take_latest_id(), None);
    let _a = peer(&mut net, stream);
    assert_eq!(net.pattern(stream).take_latest_id().as_deref(), Some(FIRST));
    assert_eq!(net.pattern(stream).take_latest_id(), None);
    // Not one it chose itself.
    let other = net.socket(STREAM);
    net.set(stream, ZMQ_CONNECT_ROUTING_ID, b"name").unwrap();
    net.connect(stream, other);
    assert_eq!(net.pattern(stream).take_latest_id(), None);
    assert!(!net.pattern(stream).accepts_connect_routing_id(b"name"));
    give(&mut net, stream, b"name", "x").unwrap();
    assert_eq!(net.recv_all(other).unwrap(), "\\x00\\x01\\x02\\x03\\xff|x");
    // A second use is closed at once and does no harm.
    net.set(stream, ZMQ_CONNECT_ROUTING_ID, b"name").unwrap();
    let third = net.socket(STREAM);
    net.connect(stream, third);
    assert_eq!((net.pipes(stream), net.pipes(third)), (2, 0));
    give(&mut net, stream, b"name", "y").unwrap();
    assert_eq!(net.drain(other).len(), 1);
}

#[test]
fn an_empty_part_closes_what_was_sent_before_goes_out() {
    let mut net = Net::default();
    let stream = net.socket(STREAM);
    let (mut a, mut b) = (peer(&mut net, stream), peer(&mut net, stream));
    write(&mut a, &["unread"]);
    give(&mut net, stream, FIRST, "answer").unwrap();
    give(&mut net, stream, FIRST, "").unwrap();
    assert_eq!(net.pipes(stream), 1);
    assert_eq!(a.read().unwrap().data(), b"answer");
    assert!(a.read().is_none() && a.is_ended());
    assert_eq!(net.drain(stream), text(&[]));
    assert_eq!(
        give(&mut net, stream, FIRST, "x"),
        Err(Error::HostUnreachable)
    );
    // After the refusal an id is expected again.
    give(&mut net, stream, SECOND, "y").unwrap();
    assert_eq!(b.read().unwrap().data(), b"y");
}

#[test]
fn only_two_parts_are_used() {
    let mut net = Net::default();
    let stream = net.socket(STREAM);
    let mut far = peer(&mut net, stream);
    address(&mut net, stream, FIRST).unwrap();
    net.send_more(stream, "more").unwrap();
    give(&mut net, stream, FIRST, "next").unwrap();
    for expected in [&b"more"[..], b"next"] {
        let part = far.read().unwrap();
        assert_eq!((part.data(), part.more()), (expected, false));
    }
    // An id without data takes the part behind it along.
    net.send(stream, "no data").unwrap();
    net.send(stream, "lost").unwrap();
    give(&mut net, stream, FIRST, "found").unwrap();
    assert_eq!(far.read().unwrap().data(), b"found");
    // Over inproc, parts may come; each is a message.
    write(&mut far, &["1", "2"]);
    let id = "\\x00\\x01\\x02\\x03\\xff";
    let expected = [format!("{id}|1"), format!("{id}|2")];
    assert_eq!(net.drain(stream), expected);
}

#[test]
fn a_full_peer_makes_wait_and_an_absent_one_does_not() {
    let mut net = Net::default();
    let stream = net.socket(STREAM);
    net.options(stream).sndhwm = 2;
    let mut far = peer(&mut net, stream);
    give(&mut net, stream, FIRST, "1").unwrap();
    give(&mut net, stream, FIRST, "2").unwrap();
    assert_eq!(address(&mut net, stream, FIRST), Err(Error::Again));
    assert_eq!(
        address(&mut net, stream, b"nobody"),
        Err(Error::HostUnreachable)
    );
    assert!(far.read().is_some() && far.read().is_some());
    give(&mut net, stream, FIRST, "3").unwrap();
    // Gone, with its last words unheard.
    write(&mut far, &["bye"]);
    far.close();
    assert_eq!(
        address(&mut net, stream, FIRST),
        Err(Error::HostUnreachable)
    );
    assert_eq!(net.drain(stream).len(), 1);
    assert_eq!(net.pipes(stream), 0);
    assert_eq!(
        address(&mut net, stream, FIRST),
        Err(Error::HostUnreachable)
    );
}

#[test]
fn data_for_a_peer_that_goes_behind_its_id_is_dropped() {
    let mut net = Net::default();
    let stream = net.socket(STREAM);
    let (pipe, _far) = net.raw(stream, Attachment::default());
    address(&mut net, stream, FIRST).unwrap();
    net.hang_up(stream, pipe);
    // Its place in the list of pipes goes to another.
    let mut other = peer(&mut net, stream);
    net.send(stream, "lost").unwrap();
    assert!(other.read().is_none());
    give(&mut net, stream, SECOND, "x").unwrap();
    assert_eq!(other.read().unwrap().data(), b"x");
}

#[test]
fn options() {
    let mut net = Net::default();
    let stream = net.socket(STREAM);
    assert!(net.pattern(stream).raw_notify());
    for (value, result) in [(0, Ok(())), (2, Err(Error::Invalid))] {
        let value: i32 = value;
        assert_eq!(
            net.set(stream, ZMQ_STREAM_NOTIFY, &value.to_ne_bytes()),
            result
        );
        assert!(!net.pattern(stream).raw_notify());
    }
    assert_eq!(
        net.set(stream, ZMQ_CONNECT_ROUTING_ID, b""),
        Err(Error::Invalid)
    );
    assert!(net.pattern(stream).accepts_connect_routing_id(b"name"));
}
