//! ROUTER: ids, mandatory, handover, probes, drops.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::options::*;
use crate::abi::socket_type::SocketType;

fn named(net: &mut Net, socket_type: SocketType, id: &[u8]) -> usize {
    let at = net.socket(socket_type);
    net.options(at).routing_id = id.to_vec();
    at
}

#[test]
fn automatic_ids_count_and_named_peers_keep_theirs() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    let (a, b) = (net.socket(DEALER), net.socket(DEALER));
    let c = named(&mut net, DEALER, b"carl");
    for (dealer, id) in [
        (a, "\\x00\\x01\\x02\\x03\\xff"),
        (b, "\\x00\\x01\\x02\\x04\\x00"),
        (c, "carl"),
    ] {
        net.connect(dealer, router);
        net.send_all(dealer, &["x", "y"]).unwrap();
        assert!(net.has_in(router));
        assert_eq!(net.recv_all(router).unwrap(), format!("{id}|x|y"));
    }
    net.send_all(router, &["carl", "hello", "there"]).unwrap();
    assert_eq!(net.drain(c), text(&["hello|there"]));
    net.send_all(router, &["\0\x01\x02\x04\0", "b"]).unwrap();
    assert_eq!(net.drain(b), text(&["b"]));
    assert_eq!(net.drain(a), text(&[]));
}

#[test]
fn long_ids_work() {
    let mut net = Net::default();
    let id = "i".repeat(255);
    let router = net.socket(ROUTER);
    let (_, mut far) = net.raw(router, Attachment::default());
    let msg = Msg::copy_from(id.as_bytes()).unwrap();
    far.write(msg.with(flag::ROUTING_ID)).unwrap();
    write(&mut far, &["x"]);
    assert_eq!(net.recv_all(router).unwrap(), format!("{id}|x"));
    net.send_all(router, &[&id, "y"]).unwrap();
    assert_eq!(far.read().unwrap().data(), b"y");
}

#[test]
fn an_id_may_come_late_and_again() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    let (_, mut far) = net.raw(router, Attachment::default());
    net.on(router, ZMQ_ROUTER_MANDATORY);
    assert_eq!(net.send_more(router, "late"), Err(Error::HostUnreachable));
    far.write(Msg::inline(b"late").with(flag::ROUTING_ID))
        .unwrap();
    far.flush();
    net.pump();
    net.send_all(router, &["late", "1"]).unwrap();
    assert_eq!(far.read().unwrap().data(), b"1");
    write(&mut far, &["2"]);
    far.write(Msg::inline(b"late").with(flag::ROUTING_ID))
        .unwrap();
    write(&mut far, &["3"]);
    assert_eq!(net.drain(router), text(&["late|2", "late|3"]));
}

#[test]
fn fairness_is_per_message() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    for id in [b"a", b"b"] {
        let dealer = named(&mut net, DEALER, id);
        net.connect(dealer, router);
        net.send_all(dealer, &["1", "2"]).unwrap();
        net.send_all(dealer, &["3", "4"]).unwrap();
    }
    let got = net.drain(router);
    assert_eq!(got.len(), 4);
    assert_ne!(got[0], got[1]);
    assert_eq!(got[0].replace("1|2", "3|4"), got[2]);
    assert_eq!(got[1].replace("1|2", "3|4"), got[3]);
}

#[test]
fn unroutable_messages_are_dropped() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    assert!(net.has_out(router));
    net.send_all(router, &["nobody", "x", "y"]).unwrap();
    let dealer = named(&mut net, DEALER, b"d");
    net.options(dealer).rcvhwm = 1;
    net.options(router).sndhwm = 1;
    net.connect(dealer, router);
    // A lone address is swallowed, and the next part is an address again.
    net.send(router, "d").unwrap();
    for number in 0..5 {
        net.send_all(router, &["d", &number.to_string()]).unwrap();
    }
    assert!(net.has_out(router));
    assert_eq!(net.drain(dealer), text(&["0", "1"]));
    net.send_all(router, &["d", "5"]).unwrap();
    assert_eq!(net.drain(dealer), text(&["5"]));
}

#[test]
fn mandatory_reports_unknown_full_and_gone_peers() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    net.on(router, ZMQ_ROUTER_MANDATORY);
    assert!(!net.has_out(router));
    assert_eq!(net.send_more(router, "d"), Err(Error::HostUnreachable));
    let dealer = named(&mut net, DEALER, b"d");
    net.options(dealer).rcvhwm = 1;
    net.options(router).sndhwm = 1;
    let (near, _) = net.connect(dealer, router);
    assert!(net.has_out(router));
    // After the error the next part is an address.
    net.send_all(router, &["d", "1"]).unwrap();
    net.send_all(router, &["d", "2"]).unwrap();
    assert!(!net.has_out(router));
    assert_eq!(net.send_more(router, "d"), Err(Error::Again));
    assert_eq!(net.drain(dealer), text(&["1", "2"]));
    assert!(net.has_out(router));
    // Gone, but with a message still to be read.
    net.send(dealer, "last").unwrap();
    net.hang_up(dealer, near);
    assert_eq!(net.send_more(router, "d"), Err(Error::HostUnreachable));
    assert!(!net.has_out(router));
    assert_eq!(net.recv_all(router).unwrap(), "d|last");
    assert!(!net.has_in(router));
    assert_eq!(net.pipes(router), 0);
    assert_eq!(net.send_more(router, "d"), Err(Error::HostUnreachable));
}

#[test]
fn a_peer_lost_in_mid_message_loses_the_rest() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    for after in 1..3 {
        let dealer = named(&mut net, DEALER, b"d");
        let (near, _) = net.connect(dealer, router);
        // The second part would be a good address.
        let parts = ["d", "d", "2"];
        for part in &parts[..after] {
            net.send_more(router, part).unwrap();
        }
        net.hang_up(dealer, near);
        // The id is taken by another: it must not get the other half.
        let next = named(&mut net, DEALER, b"d");
        let (near, _) = net.connect(next, router);
        for part in &parts[after..] {
            net.send_more(router, part).unwrap();
        }
        net.send(router, "3").unwrap();
        net.send_all(router, &["d", "4"]).unwrap();
        assert_eq!(net.drain(next), text(&["4"]));
        net.hang_up(next, near);
    }
}

#[test]
fn a_taken_id_is_refused_without_handover() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    let (first, second) = (named(&mut net, DEALER, b"d"), named(&mut net, DEALER, b"d"));
    net.connect(first, router);
    net.send(first, "heard").unwrap();
    net.connect(second, router);
    assert_eq!((net.pipes(router), net.pipes(second)), (1, 0));
    net.send(first, "too").unwrap();
    assert_eq!(net.drain(router), text(&["d|heard", "d|too"]));
    net.send_all(router, &["d", "x"]).unwrap();
    assert_eq!(net.drain(first), text(&["x"]));
    // A refused connection is told that it is; one that ends is not.
    let (_, mut far) = net.raw(router, Attachment::default());
    far.write(Msg::inline(b"d").with(flag::ROUTING_ID)).unwrap();
    far.flush();
    net.pump();
    assert!(far.is_peer_closed() && far.is_refused());
    assert_eq!(net.pipes(router), 1);
}

#[test]
fn the_id_of_a_peer_that_has_gone_is_its_successors() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    let dealer = named(&mut net, DEALER, b"d");
    let (_, mut far) = net.raw(router, Attachment::default());
    far.write(Msg::inline(b"d").with(flag::ROUTING_ID)).unwrap();
    far.write(Msg::inline(b"1")).unwrap();
    far.write(Msg::inline(b"2")).unwrap();
    far.flush();
    net.pump();
    assert_eq!(net.recv(router).unwrap(), "d");
    assert_eq!(net.recv(router).unwrap(), "1");
    // It leaves a message behind, and its end is not seen yet.
    far.set_peer_left(true);
    net.connect(dealer, router);
    assert_eq!(net.pipes(router), 2);
    net.send_all(router, &["d", "x"]).unwrap();
    assert_eq!(net.recv(router).unwrap(), "d");
    assert_eq!(net.recv(router).unwrap(), "2");
    net.send_all(router, &["d", "y"]).unwrap();
    assert_eq!(net.drain(dealer), text(&["x", "y"]));
    drop(far);
    net.pump();
    assert_eq!(net.drain(router), text(&[]));
    assert_eq!(net.pipes(router), 1);
    net.send_all(router, &["d", "z"]).unwrap();
    assert_eq!(net.drain(dealer), text(&["z"]));
}

#[test]
fn handover_gives_the_id_to_the_newcomer() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    net.on(router, ZMQ_ROUTER_HANDOVER);
    let (first, second) = (named(&mut net, DEALER, b"d"), named(&mut net, DEALER, b"d"));
    net.connect(first, router);
    net.send_all(first, &["1", "2", "3"]).unwrap();
    net.send(first, "never read").unwrap();
    // The message being read comes to its end.
    assert_eq!(net.recv(router).unwrap(), "d");
    assert_eq!(net.recv(router).unwrap(), "1");
    net.connect(second, router);
    net.send(second, "new").unwrap();
    assert_eq!((net.pipes(router), net.pipes(first)), (1, 0));
    assert_eq!(net.recv(router).unwrap(), "2");
    assert_eq!(net.recv(router).unwrap(), "3");
    assert_eq!(net.drain(router), text(&["d|new"]));
    net.send_all(router, &["d", "x"]).unwrap();
    assert_eq!(net.drain(second), text(&["x"]));
}

#[test]
fn the_connecting_side_may_choose_the_id() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    let dealer = named(&mut net, DEALER, b"own name");
    assert_eq!(
        net.set(router, ZMQ_CONNECT_ROUTING_ID, b""),
        Err(Error::Invalid)
    );
    net.set(router, ZMQ_CONNECT_ROUTING_ID, b"given").unwrap();
    assert!(net.pattern(router).accepts_connect_routing_id(b"given"));
    net.connect(router, dealer);
    assert!(net.pattern(router).take_connect_routing_id().is_none());
    assert!(!net.pattern(router).accepts_connect_routing_id(b"given"));
    net.send_all(router, &["given", "x"]).unwrap();
    assert_eq!(net.drain(dealer), text(&["x"]));
    net.send(dealer, "y").unwrap();
    assert_eq!(net.drain(router), text(&["given|y"]));
    // A second use is closed at once and does no harm.
    net.set(router, ZMQ_CONNECT_ROUTING_ID, b"given").unwrap();
    let other = net.socket(DEALER);
    net.connect(router, other);
    assert_eq!((net.pipes(router), net.pipes(other)), (1, 0));
    net.send_all(router, &["given", "z"]).unwrap();
    assert_eq!(net.drain(dealer), text(&["z"]));
}

#[test]
fn probes_introduce_a_router() {
    let mut net = Net::default();
    let (a, b) = (named(&mut net, ROUTER, b"a"), named(&mut net, ROUTER, b"b"));
    net.on(a, ZMQ_PROBE_ROUTER);
    net.connect(a, b);
    assert_eq!(net.drain(b), text(&["a|"]));
    net.send_all(b, &["a", "hello"]).unwrap();
    assert_eq!(net.drain(a), text(&["b|hello"]));
}

#[test]
fn raw_mode_has_no_identities_and_no_parts() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    net.on(router, ZMQ_ROUTER_RAW);
    assert!(net.pattern(router).is_raw() && !net.pattern(router).wants_routing_id());
    let (_, mut far) = net.raw(router, Attachment::default());
    // The first message is none that tells an id.
    write(&mut far, &["hello"]);
    assert_eq!(
        net.recv_all(router).unwrap(),
        "\\x00\\x01\\x02\\x03\\xff|hello"
    );
    let address = || Msg::copy_from(b"\0\x01\x02\x03\xff").unwrap();
    net.send_msg(router, address().with(flag::MORE)).unwrap();
    net.send_more(router, "first").unwrap();
    net.send_msg(router, address().with(flag::MORE)).unwrap();
    net.send(router, "second").unwrap();
    for expected in [&b"first"[..], b"second"] {
        let part = far.read().unwrap();
        assert_eq!((part.data(), part.more()), (expected, false));
    }
    // An empty part closes the peer, unless the mode was switched off again.
    net.set(router, ZMQ_ROUTER_RAW, &0i32.to_ne_bytes())
        .unwrap();
    assert!(net.pattern(router).is_raw());
    net.send_msg(router, address().with(flag::MORE)).unwrap();
    net.send(router, "").unwrap();
    assert_eq!(net.pipes(router), 1);
    net.on(router, ZMQ_ROUTER_RAW);
    net.send_msg(router, address().with(flag::MORE)).unwrap();
    net.send(router, "").unwrap();
    assert_eq!(net.pipes(router), 0);
    assert!(far.read().is_some() && far.read().is_none() && far.is_ended());
}

#[test]
fn polling_does_not_lose_parts() {
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    let dealer = named(&mut net, DEALER, b"d");
    let (near, _) = net.connect(dealer, router);
    net.send_all(dealer, &["1", "2"]).unwrap();
    for expected in ["d", "1", "2"] {
        assert!(net.has_in(router) && net.has_in(router));
        assert_eq!(net.recv(router).unwrap(), expected);
    }
    assert!(!net.has_in(router));
    // Read ahead by a poll, then the peer leaves.
    net.send_all(dealer, &["3", "4"]).unwrap();
    assert!(net.has_in(router));
    net.hang_up(dealer, near);
    assert_eq!(net.drain(router), text(&["d|3|4"]));
}

#[test]
fn the_state_of_a_peer_says_whether_it_takes_a_message() {
    for kind in [ROUTER, REP] {
        let mut net = Net::default();
        let router = net.socket(kind);
        let dealer = named(&mut net, DEALER, b"d");
        let (near, _) = net.connect(dealer, router);
        assert_eq!(net.peer_state(router, b"d"), Ok(2));
        assert_eq!(net.peer_state(router, b"e"), Err(Error::HostUnreachable));
        assert_eq!(net.peer_state(dealer, b"d"), Err(Error::NotSupported));
        net.hang_up(dealer, near);
        assert_eq!(net.peer_state(router, b"d").unwrap_or(0), 0);
    }
    let mut net = Net::default();
    let router = net.socket(ROUTER);
    let dealer = named(&mut net, DEALER, b"d");
    net.connect(dealer, router);
    net.on(router, ZMQ_ROUTER_MANDATORY);
    while net.send_all(router, &["d", "x"]).is_ok() {
        assert!(net.peer_state(router, b"d").is_ok());
    }
    assert_eq!(net.peer_state(router, b"d"), Ok(0), "its pipe is full");
}
