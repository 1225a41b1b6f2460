//! RADIO and DISH: groups.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::options::ZMQ_XPUB_NODROP;

const RADIO: SocketType = SocketType::Radio;
const DISH: SocketType = SocketType::Dish;

fn join(net: &mut Net, at: usize, group: &str) -> Result<()> {
    let joined = net.with(at, |pattern, env| pattern.join(env, group.as_bytes()));
    net.pump();
    joined
}

fn leave(net: &mut Net, at: usize, group: &str) -> Result<()> {
    let left = net.with(at, |pattern, env| pattern.leave(env, group.as_bytes()));
    net.pump();
    left
}

fn send_to(net: &mut Net, at: usize, group: &str, body: &str) -> Result<()> {
    let mut msg = Msg::copy_from(body.as_bytes()).unwrap();
    msg.set_group(group.as_bytes());
    net.send_msg(at, msg)
}

/// Receives a message: its group and body.
fn receive(net: &mut Net, at: usize) -> Result<(String, String)> {
    let msg = net.recv_msg(at)?;
    assert!(!msg.more());
    let body = String::from_utf8(msg.data().to_vec()).unwrap();
    Ok((msg.group().to_str().unwrap().to_owned(), body))
}

fn pair_of(group: &str, body: &str) -> Result<(String, String)> {
    Ok((group.to_owned(), body.to_owned()))
}

#[test]
fn a_dish_receives_what_is_sent_to_its_groups() {
    let mut net = Net::default();
    let (radio, dishes) = net.star(RADIO, 2, DISH);
    let long = "g".repeat(255);
    for group in ["A", "fifteen letters", "sixteen  letters", &long] {
        join(&mut net, dishes[0], group).unwrap();
        for body in ["", "short", &"x".repeat(3000)] {
            send_to(&mut net, radio, group, body).unwrap();
            assert_eq!(receive(&mut net, dishes[0]), pair_of(group, body));
        }
        leave(&mut net, dishes[0], group).unwrap();
        send_to(&mut net, radio, group, "nobody").unwrap();
        assert!(!net.has_in(dishes[0]));
    }
    assert_eq!(receive(&mut net, dishes[1]), Err(Error::Again));
}

#[test]
fn groups_are_compared_whole() {
    let mut net = Net::default();
    let (radio, dishes) = net.star(RADIO, 1, DISH);
    join(&mut net, dishes[0], "AB").unwrap();
    join(&mut net, dishes[0], "").unwrap();
    for group in ["A", "AB", "ABC", ""] {
        send_to(&mut net, radio, group, "x").unwrap();
    }
    assert!(net.has_in(dishes[0]));
    assert_eq!(receive(&mut net, dishes[0]), pair_of("AB", "x"));
    net.send(radio, "no group").unwrap();
    assert_eq!(receive(&mut net, dishes[0]), pair_of("", "x"));
    assert_eq!(receive(&mut net, dishes[0]), pair_of("", "no group"));
    assert_eq!(receive(&mut net, dishes[0]), Err(Error::Again));
}

#[test]
fn what_cannot_be_joined_or_left() {
    let mut net = Net::default();
    let dish = net.socket(DISH);
    assert_eq!(join(&mut net, dish, &"g".repeat(256)), Err(Error::Invalid));
    assert_eq!(leave(&mut net, dish, "A"), Err(Error::Invalid));
    assert_eq!(join(&mut net, dish, "A"), Ok(()));
    assert_eq!(join(&mut net, dish, "A"), Err(Error::Invalid));
    assert_eq!(leave(&mut net, dish, "A"), Ok(()));
    assert_eq!(leave(&mut net, dish, "A"), Err(Error::Invalid));
    for other in [SUB, PULL, RADIO] {
        let at = net.socket(other);
        assert_eq!(join(&mut net, at, "A"), Err(Error::NotSupported));
        assert_eq!(leave(&mut net, at, "A"), Err(Error::NotSupported));
    }
}

#[test]
fn joins_reach_peers_that_come_later() {
    let mut net = Net::default();
    let (radio, dish) = (net.socket(RADIO), net.socket(DISH));
    join(&mut net, dish, "A").unwrap();
    let (pipe, _) = net.connect(radio, dish);
    send_to(&mut net, radio, "A", "x").unwrap();
    assert_eq!(receive(&mut net, dish), pair_of("A", "x"));
    net.hang_up(radio, pipe);
    send_to(&mut net, radio, "A", "nobody").unwrap();
    let (_, _) = net.connect(dish, radio);
    send_to(&mut net, radio, "A", "y").unwrap();
    assert_eq!(receive(&mut net, dish), pair_of("A", "y"));
}

#[test]
fn messages_of_another_form_are_dropped() {
    let mut net = Net::default();
    let dish = net.socket(DISH);
    join(&mut net, dish, "A").unwrap();
    let (_, mut far) = net.raw(dish, Attachment::default());
    for parts in [&["A"][..], &["A", "1", "2"], &["B", "1"], &["A", "x"]] {
        write(&mut far, parts);
    }
    assert_eq!(receive(&mut net, dish), pair_of("A", "x"));
    assert!(!net.has_in(dish));

    let radio = net.socket(RADIO);
    let (_, mut far) = net.raw(radio, Attachment::default());
    // No join: it is not marked.
    write(&mut far, &["\x01A"]);
    net.pump();
    send_to(&mut net, radio, "A", "x").unwrap();
    assert!(far.read().is_none());
}

#[test]
fn a_full_dish_loses_messages_or_holds_the_radio_up() {
    let mut net = Net::default();
    let (radio, dish) = (net.socket(RADIO), net.socket(DISH));
    (net.options(radio).sndhwm, net.options(dish).rcvhwm) = (1, 1);
    net.connect(dish, radio);
    join(&mut net, dish, "A").unwrap();
    for _ in 0..5 {
        send_to(&mut net, radio, "A", "x").unwrap();
    }
    assert!(net.requested.contains(&Request::Full));
    while receive(&mut net, dish).is_ok() {}
    net.on(radio, ZMQ_XPUB_NODROP);
    while send_to(&mut net, radio, "A", "x").is_ok() {}
    assert_eq!(send_to(&mut net, radio, "B", "x"), Ok(()));
    assert_eq!(send_to(&mut net, radio, "A", "x"), Err(Error::Again));
    assert_eq!(receive(&mut net, dish), pair_of("A", "x"));
}
