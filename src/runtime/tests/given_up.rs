//! What a socket may still send when its only connection has been given up.

#![forbid(unsafe_code)]

use crate::abi::options::*;
use crate::error::Error;
use crate::message::Msg;
use crate::runtime::socket::endpoints;
use crate::runtime::{context, socket};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::abi::numbers::ZMQ_DEALER as DEALER;

/// Greets with another mechanism, and waits until the other end has closed.
fn turn_away(listener: &TcpListener) {
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[8..12].copy_from_slice(&[1, 0x7f, 3, 0]);
    greeting[12..17].copy_from_slice(b"PLAIN");
    peer.write_all(&greeting).unwrap();
    peer.read_to_end(&mut Vec::new()).unwrap();
}

fn wait_for_mail(socket: &socket::Socket) {
    let end = Instant::now() + Duration::from_secs(5);
    while !socket.shared.mail.has_commands() {
        assert!(Instant::now() < end, "the socket hears nothing");
        std::thread::yield_now();
    }
}

/// However long a send takes between reading its mail and writing: a thread may lose its
/// processor there.
#[test]
fn a_send_that_has_read_the_news_is_taken() {
    let context = context::create().unwrap().address();
    let dealer = socket::create(context, DEALER).unwrap().address();
    for (option, value) in [(ZMQ_LINGER, 0i32), (ZMQ_RECONNECT_IVL, 1)] {
        socket::set_option(dealer, option, Some(&value.to_ne_bytes())).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    endpoints::connect(dealer, endpoint.as_bytes()).unwrap();
    turn_away(&listener);
    let send = |socket: &mut socket::Socket| socket.try_send(&mut Msg::copy_from(b"x")?);
    let slot = socket::find(dealer).unwrap();
    {
        let mut guard = slot.lock().unwrap();
        let socket = guard.as_mut().unwrap();
        wait_for_mail(socket);
        socket.process_mail();
        wait_for_mail(socket); // the grace time is over
        assert_eq!(send(socket), Ok(()));
        socket.process_mail();
        assert_eq!(send(socket), Err(Error::Again));
    }
    socket::close(dealer).unwrap();
    context::terminate(context, false).unwrap();
}
