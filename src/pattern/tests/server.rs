//! SERVER and PEER: peers with numbers.

#![forbid(unsafe_code)]

use super::single::{CLIENT, PEER, SERVER};
use super::*;

/// Receives a message, and returns its peer's number.
fn receive(net: &mut Net, at: usize, body: &[u8]) -> u32 {
    let msg = net.recv_msg(at).unwrap();
    assert_eq!(msg.data(), body);
    msg.routing_id()
}

fn send_to(net: &mut Net, at: usize, number: u32, body: &str) -> Result<()> {
    let mut msg = Msg::copy_from(body.as_bytes()).unwrap();
    msg.set_routing_id(number);
    net.send_msg(at, msg)
}

#[test]
fn answers_go_to_the_client_that_is_named() {
    let mut net = Net::default();
    let (server, clients) = net.star(SERVER, 3, CLIENT);
    let long = "x".repeat(3000);
    let numbers: Vec<u32> = clients
        .iter()
        .map(|client| {
            net.send(*client, "hello").unwrap();
            receive(&mut net, server, b"hello")
        })
        .collect();
    assert!(numbers.iter().all(|number| *number != 0));
    for (number, client) in numbers.iter().zip(&clients).rev() {
        for body in ["", "short", &long] {
            send_to(&mut net, server, *number, body).unwrap();
            let msg = net.recv_msg(*client).unwrap();
            assert_eq!((msg.data(), msg.routing_id()), (body.as_bytes(), 0));
        }
    }
    assert!(
        clients
            .iter()
            .all(|client| net.recv(*client) == Err(Error::Again))
    );
}

#[test]
fn unknown_numbers_are_unreachable() {
    let mut net = Net::default();
    let (server, clients) = net.star(SERVER, 1, CLIENT);
    assert_eq!(net.send(server, "no number"), Err(Error::HostUnreachable));
    assert_eq!(
        send_to(&mut net, server, 1, "x"),
        Err(Error::HostUnreachable)
    );
    net.send(clients[0], "hello").unwrap();
    let number = receive(&mut net, server, b"hello");
    let pipe = net.pattern(server).numbered(number).unwrap();
    net.hang_up(server, pipe);
    assert_eq!(
        send_to(&mut net, server, number, "x"),
        Err(Error::HostUnreachable)
    );
    assert!(net.has_out(server));
}

#[test]
fn a_full_peer_does_not_stop_others() {
    let mut net = Net::default();
    let (server, clients) = (net.socket(SERVER), [0; 2].map(|_| net.socket(CLIENT)));
    net.options(server).sndhwm = 1;
    let numbers = clients.map(|client| {
        net.options(client).rcvhwm = 1;
        net.connect(client, server);
        net.send(client, "hello").unwrap();
        receive(&mut net, server, b"hello")
    });
    while send_to(&mut net, server, numbers[0], "x").is_ok() {}
    assert_eq!(
        send_to(&mut net, server, numbers[0], "x"),
        Err(Error::Again)
    );
    assert_eq!(send_to(&mut net, server, numbers[1], "y"), Ok(()));
    net.drain(clients[0]);
    assert_eq!(send_to(&mut net, server, numbers[0], "x"), Ok(()));
}

#[test]
fn numbers_skip_zero_and_those_in_use() {
    let mut net = Net::default();
    let server = net.socket(SERVER);
    *net.pattern(server) =
        AnyPattern::Server(Box::new(super::super::server::Server::new(u32::MAX - 1)));
    let numbers = [0; 3].map(|_| {
        let client = net.socket(CLIENT);
        net.connect(client, server);
        net.pattern(server).latest_number()
    });
    assert_eq!(numbers, [u32::MAX, 1, 2]);
    for number in numbers {
        send_to(&mut net, server, number, "x").unwrap();
    }
}

#[test]
fn peers_name_each_other() {
    let mut net = Net::default();
    let (one, two) = (net.socket(PEER), net.socket(PEER));
    net.connect(one, two);
    let number = net.pattern(one).latest_number();
    send_to(&mut net, one, number, "there").unwrap();
    let number = receive(&mut net, two, b"there");
    send_to(&mut net, two, number, "back").unwrap();
    assert_ne!(receive(&mut net, one, b"back"), 0);
    assert_eq!(net.pattern(one).numbered(0), Err(Error::HostUnreachable));
    let dealer = net.socket(DEALER);
    assert_eq!(net.pattern(dealer).numbered(1), Err(Error::NotSupported));
    assert_eq!(net.pattern(dealer).latest_number(), 0);
}
