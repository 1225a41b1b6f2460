//! Sockets of the draft API that several threads may use at the same time, over every transport.

mod common;

use common::{Context, Message, Socket, poll};
use std::ffi::{CStr, CString, c_int, c_short};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use zmq::abi::numbers::draft::*;
use zmq::abi::numbers::*;
use zmq::abi::options::*;
use zmq::capi::{errors::zmq_errno, groups::*, msg::*, peers::*, poller::*};

const IN: c_short = ZMQ_POLLIN as c_short;

/// Endpoints to bind, each for one test.
fn endpoints(name: &str) -> [String; 3] {
    let path = std::env::temp_dir().join(format!("ferrozmq-{name}-{}", std::process::id()));
    [
        "tcp://127.0.0.1:*".to_owned(),
        format!("ipc://{}", path.display()),
        format!("inproc://{name}"),
    ]
}

/// Two sockets, the second one connected to the first.
fn pair(context: Context, kinds: [c_int; 2], endpoint: &str) -> [Socket; 2] {
    let [bound, connected] = kinds.map(|kind| context.socket(kind).unwrap());
    bound.bind(endpoint).unwrap();
    connected.connect(&bound.last_endpoint()).unwrap();
    [bound, connected]
}

fn end(context: Context, sockets: &[Socket]) {
    for socket in sockets {
        socket.close().unwrap();
    }
    context.terminate().unwrap();
}

fn failure<T>(result: common::Result<T>) -> c_int {
    result.err().expect("a failure")
}

#[test]
fn messages_have_one_part() {
    let kinds = [
        [ZMQ_GATHER, ZMQ_SCATTER],
        [ZMQ_CHANNEL, ZMQ_CHANNEL],
        [ZMQ_SERVER, ZMQ_CLIENT],
    ];
    for kinds in kinds {
        for endpoint in endpoints("one_part") {
            let context = Context::new();
            let [bound, connected] = pair(context, kinds, &endpoint);
            for size in [0, 5, 33, 34, 3000, 70_000] {
                let body = vec![7; size];
                assert_eq!(failure(connected.send(&body, ZMQ_SNDMORE)), libc::EINVAL);
                connected.send(&body, 0).unwrap();
                let got = bound.recv(0).unwrap();
                assert_eq!((got.data(), got.more()), (&body[..], false));
            }
            for socket in [bound, connected] {
                assert_eq!(socket.get(ZMQ_THREAD_SAFE), Ok(1));
                assert_eq!(socket.get(ZMQ_RCVMORE), Ok(0));
            }
            end(context, &[bound, connected]);
        }
    }
}

#[test]
fn one_direction_only() {
    let context = Context::new();
    let gather = context.socket(ZMQ_GATHER).unwrap();
    let scatter = context.socket(ZMQ_SCATTER).unwrap();
    assert_eq!(failure(gather.send(b"x", 0)), libc::ENOTSUP);
    assert_eq!(failure(scatter.recv(0)), libc::ENOTSUP);
    assert_eq!(failure(scatter.send(b"x", ZMQ_DONTWAIT)), libc::EAGAIN);
    assert_eq!(failure(gather.recv(ZMQ_DONTWAIT)), libc::EAGAIN);
    end(context, &[gather, scatter]);
}

/// The poll of a program, and of its own event loop on `ZMQ_FD`.
#[test]
fn can_be_polled() {
    for endpoint in endpoints("polled") {
        let context = Context::new();
        let sockets = pair(context, [ZMQ_GATHER, ZMQ_SCATTER], &endpoint);
        assert_eq!(poll(&sockets[..1], ZMQ_POLLIN, 0), Ok(0));
        let mut fd = libc::pollfd {
            fd: sockets[0].get(ZMQ_FD).unwrap(),
            events: libc::POLLIN,
            revents: 0,
        };
        assert_eq!(poll(&sockets[1..], ZMQ_POLLOUT, -1), Ok(1));
        sockets[1].send(b"x", 0).unwrap();
        loop {
            let events = sockets[0].get(ZMQ_EVENTS).unwrap();
            if events & ZMQ_POLLIN != 0 {
                break;
            }
            // SAFETY: one item.
            assert_eq!(unsafe { libc::poll(&mut fd, 1, 10_000) }, 1);
        }
        assert_eq!(poll(&sockets[..1], ZMQ_POLLIN, -1), Ok(1));
        assert_eq!(sockets[0].recv(ZMQ_DONTWAIT).unwrap().data(), b"x");
        end(context, &sockets);
    }
}

/// Threads that block in sends and receives on the same two sockets: each message arrives once.
#[test]
fn threads_send_and_receive_on_one_socket() {
    const THREADS: usize = 4;
    const EACH: usize = 2000;
    for endpoint in endpoints("threads") {
        let context = Context::new();
        let [bound, connected] = pair(context, [ZMQ_CHANNEL, ZMQ_CHANNEL], &endpoint);
        let seen: [Vec<AtomicUsize>; 2] = [0, 1].map(|_| {
            let counts = (0..THREADS * EACH).map(|_| AtomicUsize::new(0));
            counts.collect()
        });
        thread::scope(|scope| {
            for (from, to, seen) in [(bound, connected, &seen[0]), (connected, bound, &seen[1])] {
                for number in 0..THREADS {
                    scope.spawn(move || {
                        for message in number * EACH..(number + 1) * EACH {
                            from.send(&message.to_ne_bytes(), 0).unwrap();
                        }
                    });
                    scope.spawn(move || {
                        for _ in 0..EACH {
                            let mut message = [0; size_of::<usize>()];
                            assert_eq!(to.recv_into(&mut message, 0), Ok(message.len()));
                            seen[usize::from_ne_bytes(message)].fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            }
        });
        for counts in &seen {
            assert!(
                counts
                    .iter()
                    .all(|count| count.load(Ordering::Relaxed) == 1)
            );
        }
        end(context, &[bound, connected]);
    }
}

/// A thread that waits in a receive does not keep others from the socket.
#[test]
fn a_waiting_thread_holds_no_lock() {
    let context = Context::new();
    let [bound, connected] = pair(context, [ZMQ_CHANNEL, ZMQ_CHANNEL], "inproc://waiting");
    thread::scope(|scope| {
        let waiting = scope.spawn(move || bound.recv(0).unwrap().data().to_vec());
        thread::sleep(Duration::from_millis(30));
        bound.send(b"question", 0).unwrap();
        assert_eq!(connected.recv(0).unwrap().data(), b"question");
        connected
            .send_message(&mut Message::new(b"answer"), 0)
            .unwrap();
        assert_eq!(waiting.join().unwrap(), b"answer");
    });
    end(context, &[bound, connected]);
}

/// The end of the context wakes every thread that waits on one socket.
#[test]
fn all_waiting_threads_end_with_the_context() {
    let context = Context::new();
    let gather = context.socket(ZMQ_GATHER).unwrap();
    thread::scope(|scope| {
        let waiting = [0; 3].map(|_| scope.spawn(move || failure(gather.recv(0))));
        thread::sleep(Duration::from_millis(30));
        context.shutdown().unwrap();
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), zmq::abi::errors::ETERM);
        }
    });
    end(context, &[gather]);
}

fn routing_id(message: &Message) -> u32 {
    // SAFETY: a message.
    unsafe { zmq_msg_routing_id(message.raw()) }
}

fn send_to(socket: Socket, number: u32, body: &[u8]) -> common::Result<()> {
    let mut message = Message::new(body);
    // SAFETY: a message.
    assert_eq!(unsafe { zmq_msg_set_routing_id(message.raw(), number) }, 0);
    socket.send_message(&mut message, 0)?;
    assert_eq!(routing_id(&message), 0);
    Ok(())
}

fn connect_peer(socket: Socket, endpoint: &str) -> common::Result<u32> {
    let endpoint = CString::new(endpoint).unwrap();
    // SAFETY: a string.
    match unsafe { zmq_connect_peer(socket.handle(), endpoint.as_ptr()) } {
        0 => Err(zmq_errno()),
        number => Ok(number),
    }
}

fn disconnect_peer(socket: Socket, number: u32) -> common::Result<()> {
    // SAFETY: safe for any handle.
    match unsafe { zmq_disconnect_peer(socket.handle(), number) } {
        0 => Ok(()),
        _ => Err(zmq_errno()),
    }
}

#[test]
fn a_server_answers_by_number() {
    for endpoint in endpoints("server") {
        let context = Context::new();
        let [server, client] = pair(context, [ZMQ_SERVER, ZMQ_CLIENT], &endpoint);
        assert_eq!(failure(server.send(b"x", 0)), libc::EHOSTUNREACH);
        client.send(b"question", 0).unwrap();
        let mut question = server.recv(0).unwrap();
        let number = routing_id(&question);
        assert_ne!(number, 0);
        // The message can go back as it is.
        server.send_message(&mut question, 0).unwrap();
        assert_eq!(client.recv(0).unwrap().data(), b"question");
        send_to(server, number, b"more").unwrap();
        let more = client.recv(0).unwrap();
        assert_eq!((more.data(), routing_id(&more)), (&b"more"[..], 0));
        assert_eq!(
            failure(disconnect_peer(server, number + 1)),
            libc::EHOSTUNREACH
        );
        assert_eq!(failure(disconnect_peer(client, 1)), libc::ENOTSUP);
        disconnect_peer(server, number).unwrap();
        assert_eq!(failure(send_to(server, number, b"x")), libc::EHOSTUNREACH);
        end(context, &[server, client]);
    }
}

#[test]
fn a_peer_knows_whom_it_connects_to() {
    for endpoint in endpoints("peer") {
        let context = Context::new();
        let bound = context.socket(ZMQ_PEER).unwrap();
        let connected = context.socket(ZMQ_PEER).unwrap();
        bound.bind(&endpoint).unwrap();
        let number = connect_peer(connected, &bound.last_endpoint()).unwrap();
        send_to(connected, number, b"there").unwrap();
        let there = bound.recv(0).unwrap();
        assert_eq!(there.data(), b"there");
        send_to(bound, routing_id(&there), b"back").unwrap();
        let back = connected.recv(0).unwrap();
        assert_eq!((back.data(), routing_id(&back)), (&b"back"[..], number));
        disconnect_peer(connected, number).unwrap();
        assert_eq!(
            failure(send_to(connected, number, b"x")),
            libc::EHOSTUNREACH
        );
        end(context, &[bound, connected]);
    }
}

#[test]
fn what_has_no_numbered_peers_is_refused() {
    let context = Context::new();
    let [peer, server] = [ZMQ_PEER, ZMQ_SERVER].map(|kind| context.socket(kind).unwrap());
    assert_eq!(failure(connect_peer(server, "inproc://x")), libc::ENOTSUP);
    assert_eq!(failure(connect_peer(peer, "nothing")), libc::EINVAL);
    assert_eq!(failure(disconnect_peer(peer, 0)), libc::EHOSTUNREACH);
    peer.set(ZMQ_IMMEDIATE, 1).unwrap();
    assert_eq!(failure(connect_peer(peer, "inproc://x")), libc::EFAULT);
    let message = Message::new(b"x");
    // SAFETY: a message.
    assert_eq!(unsafe { zmq_msg_set_routing_id(message.raw(), 0) }, -1);
    assert_eq!((zmq_errno(), routing_id(&message)), (libc::EINVAL, 0));
    end(context, &[peer, server]);
    assert_eq!(failure(connect_peer(peer, "inproc://x")), libc::ENOTSOCK);
    assert_eq!(failure(disconnect_peer(peer, 1)), libc::ENOTSOCK);
}

/// The descriptor of a poller: readable until nothing is left to report.
#[test]
fn a_poller_has_a_descriptor() {
    let context = Context::new();
    let [bound, connected] = pair(context, [ZMQ_SERVER, ZMQ_CLIENT], "inproc://poller");
    let plain = context.socket(ZMQ_PULL).unwrap();
    let mut poller = zmq_poller_new();
    let mut fd = -1;
    let none = std::ptr::null_mut();
    let mut event = MaybeUninit::uninit();
    let readable = |fd, millis| {
        let mut item = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one item.
        unsafe { libc::poll(&mut item, 1, millis) }
    };
    // SAFETY: live handles and valid memory; the errors are what is tested.
    unsafe {
        assert_eq!(zmq_poller_fd(none, &mut fd), -1);
        assert_eq!(zmq_errno(), libc::EFAULT);
        assert_eq!(zmq_poller_add(poller, plain.handle(), none, IN), 0);
        assert_eq!(zmq_poller_fd(poller, &mut fd), -1);
        assert_eq!(zmq_errno(), libc::EINVAL);
        assert_eq!(zmq_poller_add(poller, bound.handle(), none, IN), 0);
        assert_eq!(zmq_poller_fd(poller, std::ptr::null_mut()), -1);
        assert_eq!(zmq_errno(), libc::EFAULT);
        assert_eq!(zmq_poller_fd(poller, &mut fd), 0);
        let mut quiet = || {
            assert_eq!(zmq_poller_wait(poller, event.as_mut_ptr(), 0), -1);
            assert_eq!((zmq_errno(), readable(fd, 0)), (libc::EAGAIN, 0));
        };
        quiet();
        connected.send(b"x", 0).unwrap();
        assert_eq!(readable(fd, 10_000), 1);
        let mut found = MaybeUninit::uninit();
        assert_eq!(zmq_poller_wait(poller, found.as_mut_ptr(), 0), 0);
        assert_eq!(found.assume_init().socket, bound.handle());
        bound.recv(ZMQ_DONTWAIT).unwrap();
        quiet();
        // What no event is wanted of makes nothing readable.
        assert_eq!(zmq_poller_modify(poller, bound.handle(), 0), 0);
        connected.send(b"x", 0).unwrap();
        assert_eq!(readable(fd, 50), 0);
        assert_eq!(zmq_poller_modify(poller, bound.handle(), IN), 0);
        assert_eq!(readable(fd, 10_000), 1);
        assert_eq!(zmq_poller_remove(poller, bound.handle()), 0);
        assert_eq!(readable(fd, 0), 0);
        assert_eq!(zmq_poller_destroy(&mut poller), 0);
    }
    end(context, &[bound, connected, plain]);
}

fn join(socket: Socket, group: &str) -> common::Result<()> {
    let group = CString::new(group).unwrap();
    // SAFETY: a string.
    match unsafe { zmq_join(socket.handle(), group.as_ptr()) } {
        0 => Ok(()),
        _ => Err(zmq_errno()),
    }
}

fn leave(socket: Socket, group: &str) -> common::Result<()> {
    let group = CString::new(group).unwrap();
    // SAFETY: a string.
    match unsafe { zmq_leave(socket.handle(), group.as_ptr()) } {
        0 => Ok(()),
        _ => Err(zmq_errno()),
    }
}

fn set_group(message: &Message, group: &str) {
    let group = CString::new(group).unwrap();
    // SAFETY: a message and a string.
    let set = unsafe { zmq_msg_set_group(message.raw(), group.as_ptr()) };
    assert_eq!(set, 0);
}

fn group(message: &Message) -> String {
    // SAFETY: a message, whose group is a string.
    let group = unsafe { CStr::from_ptr(zmq_msg_group(message.raw())) };
    group.to_str().unwrap().to_owned()
}

/// Sends to a group until a DISH that has joined it receives: its join may be on the way.
fn reach(radio: Socket, dish: Socket, name: &str, body: &[u8]) -> Message {
    loop {
        let mut message = Message::new(body);
        set_group(&message, name);
        radio.send_message(&mut message, 0).unwrap();
        if poll(&[dish], ZMQ_POLLIN, 20) == Ok(1) {
            return dish.recv(ZMQ_DONTWAIT).unwrap();
        }
    }
}

#[test]
fn a_dish_receives_from_its_groups() {
    for endpoint in endpoints("radio") {
        for kinds in [[ZMQ_RADIO, ZMQ_DISH], [ZMQ_DISH, ZMQ_RADIO]] {
            let context = Context::new();
            let sockets = pair(context, kinds, &endpoint);
            let [radio, dish] = match kinds[0] {
                ZMQ_RADIO => sockets,
                _ => [sockets[1], sockets[0]],
            };
            assert_eq!(failure(radio.send(b"x", ZMQ_SNDMORE)), libc::EINVAL);
            assert_eq!(failure(radio.recv(0)), libc::ENOTSUP);
            assert_eq!(failure(dish.send(b"x", 0)), libc::ENOTSUP);
            for name in ["", "Movies", "a group of more than fifteen bytes"] {
                join(dish, name).unwrap();
                for size in [0, 5, 3000, 70_000] {
                    let got = reach(radio, dish, name, &vec![7; size]);
                    assert_eq!(
                        (got.data().len(), group(&got), got.more()),
                        (size, name.into(), false)
                    );
                }
                leave(dish, name).unwrap();
                while dish.recv(ZMQ_DONTWAIT).is_ok() {}
            }
            end(context, &sockets);
        }
    }
}

#[test]
fn a_message_keeps_its_group() {
    let long = "g".repeat(300);
    for name in ["", "A", "fifteen letters", "sixteen  letters", &long] {
        let cut = &name[..name.len().min(255)];
        let message = Message::new(b"body");
        assert_eq!(group(&message), "");
        set_group(&message, name);
        assert_eq!(group(&message), cut);
        let copy = Message::empty();
        // SAFETY: two messages.
        unsafe { zmq_msg_copy(copy.raw(), message.raw()) };
        set_group(&message, "another");
        assert_eq!(
            (group(&copy), group(&message)),
            (cut.into(), "another".into())
        );
        let moved = Message::empty();
        // SAFETY: two messages.
        unsafe { zmq_msg_move(moved.raw(), copy.raw()) };
        assert_eq!((group(&moved), group(&copy)), (cut.into(), String::new()));
    }
    let message = Message::new(b"body");
    // SAFETY: a message; the NULL is refused.
    let set = unsafe { zmq_msg_set_group(message.raw(), std::ptr::null()) };
    assert_eq!((set, zmq_errno()), (-1, libc::EFAULT));
    let context = Context::new();
    let [dish, pull] = [ZMQ_DISH, ZMQ_PULL].map(|kind| context.socket(kind).unwrap());
    join(dish, "A").unwrap();
    assert_eq!(failure(join(dish, "A")), libc::EINVAL);
    assert_eq!(failure(join(dish, &long)), libc::EINVAL);
    assert_eq!(failure(leave(dish, "B")), libc::EINVAL);
    assert_eq!(failure(join(pull, "A")), libc::ENOTSUP);
    assert_eq!(failure(leave(pull, "A")), libc::ENOTSUP);
    end(context, &[dish, pull]);
    assert_eq!(failure(join(dish, "A")), libc::ENOTSOCK);
}
