//! REQ and REP: envelopes, the state machines, stale and malformed messages.

#![forbid(unsafe_code)]

use super::*;
use crate::abi::options::*;

#[test]
fn requests_and_replies_alternate() {
    let mut net = Net::default();
    let (req, rep) = (net.socket(REQ), net.socket(REP));
    assert_eq!(net.recv(req), Err(Error::Fsm));
    assert_eq!(net.recv(rep), Err(Error::Again));
    assert_eq!(net.send(rep, "x"), Err(Error::Fsm));
    assert_eq!(net.send(req, "x"), Err(Error::Again));
    net.connect(req, rep);
    for round in 0..3 {
        assert!(net.has_out(req) && !net.has_out(rep));
        assert!(!net.has_in(req) && !net.has_in(rep));
        net.send_more(req, "a").unwrap();
        assert_eq!(net.recv(req), Err(Error::Fsm));
        net.send(req, &round.to_string()).unwrap();
        assert_eq!(net.send(req, "again"), Err(Error::Fsm));
        assert_eq!(net.recv(req), Err(Error::Again));
        assert!(!net.has_out(req) && !net.has_in(req));

        assert!(net.has_in(rep));
        assert_eq!(net.recv(rep).unwrap(), "a");
        assert_eq!(net.send(rep, "early"), Err(Error::Fsm));
        assert!(net.has_in(rep));
        assert_eq!(net.recv(rep).unwrap(), round.to_string());
        assert_eq!(net.recv(rep), Err(Error::Fsm));
        assert!(net.has_out(rep) && !net.has_in(rep));
        net.send_more(rep, "b").unwrap();
        assert_eq!(net.recv(rep), Err(Error::Fsm));
        net.send(rep, &round.to_string()).unwrap();
        assert_eq!(net.send(rep, "more"), Err(Error::Fsm));

        assert!(net.has_in(req));
        assert_eq!(net.recv(req).unwrap(), "b");
        assert!(net.has_in(req));
        assert_eq!(net.send(req, "early"), Err(Error::Fsm));
        assert_eq!(net.recv(req).unwrap(), round.to_string());
        assert_eq!(net.recv(req), Err(Error::Fsm));
    }
}

#[test]
fn req_goes_round_robin() {
    let mut net = Net::default();
    let (req, reps) = net.star(REQ, 2, REP);
    let mut served = Vec::new();
    for _ in 0..4 {
        net.send(req, "q").unwrap();
        for rep in &reps {
            if net.recv(*rep).is_ok() {
                served.push(*rep);
                net.send(*rep, "r").unwrap();
            }
        }
        assert_eq!(net.drain(req), text(&["r"]));
    }
    assert_eq!(served[..2], served[2..]);
    assert_ne!(served[0], served[1]);
}

#[test]
fn req_envelopes() {
    let mut net = Net::default();
    let (req, dealer) = (net.socket(REQ), net.socket(DEALER));
    net.connect(req, dealer);
    net.send_all(req, &["a", "b"]).unwrap();
    assert_eq!(net.recv_all(dealer).unwrap(), "|a|b");
    net.send_all(dealer, &["", "c", "d"]).unwrap();
    assert_eq!(net.recv_all(req).unwrap(), "c|d");

    net.on(req, ZMQ_REQ_CORRELATE);
    let mut last = None;
    for _ in 0..2 {
        net.send(req, "q").unwrap();
        let id = net.recv_msg(dealer).unwrap();
        assert_eq!(net.recv_all(dealer).unwrap(), "|q");
        let number = u32::from_ne_bytes(id.data().try_into().unwrap());
        assert!(last.is_none_or(|last| number == last + 1));
        last = Some(number);
        // Wrong id, no id, no delimiter; then the right one.
        let wrong = Msg::inline(&(number - 1).to_ne_bytes()).with(flag::MORE);
        net.send_msg(dealer, wrong).unwrap();
        net.send_all(dealer, &["", "wrong"]).unwrap();
        net.send_all(dealer, &["", "none"]).unwrap();
        let short = Msg::inline(&number.to_ne_bytes());
        net.send_msg(dealer, short).unwrap();
        let id = || Msg::inline(&number.to_ne_bytes()).with(flag::MORE);
        net.send_msg(dealer, id()).unwrap();
        net.send_all(dealer, &["no delimiter", "x"]).unwrap();
        assert!(!net.has_in(req));
        net.send_msg(dealer, id()).unwrap();
        net.send_all(dealer, &["", "right"]).unwrap();
        assert_eq!(net.drain(req), text(&["right"]));
    }
}

#[test]
fn req_skips_malformed_replies() {
    let mut net = Net::default();
    let (req, dealer) = (net.socket(REQ), net.socket(DEALER));
    net.connect(req, dealer);
    net.send(req, "q").unwrap();
    for bad in [&["x"][..], &["x", "", "y"], &[""], &["x", "y"]] {
        net.send_all(dealer, bad).unwrap();
    }
    assert_eq!(net.recv(req), Err(Error::Again));
    assert!(!net.has_in(req));
    net.send_all(dealer, &["", "good"]).unwrap();
    assert_eq!(net.drain(req), text(&["good"]));
}

#[test]
fn req_hears_only_the_pipe_it_asked() {
    let mut net = Net::default();
    let (req, dealers) = net.star(REQ, 2, DEALER);
    // Unasked, before the request: purged by it.
    for dealer in &dealers {
        net.send_all(*dealer, &["", "unasked"]).unwrap();
    }
    net.send(req, "q").unwrap();
    let asked = dealers.iter().position(|at| net.recv_all(*at).is_ok());
    let asked = asked.unwrap();
    net.send_all(dealers[1 - asked], &["", "wrong"]).unwrap();
    assert!(!net.has_in(req));
    net.send_all(dealers[asked], &["", "right"]).unwrap();
    assert_eq!(net.drain(req), text(&["right"]));
}

#[test]
fn relaxed_req_may_ask_again() {
    let mut net = Net::default();
    let (req, dealer) = (net.socket(REQ), net.socket(DEALER));
    net.on(req, ZMQ_REQ_RELAXED);
    net.on(req, ZMQ_REQ_CORRELATE);
    net.connect(req, dealer);
    net.send(req, "1").unwrap();
    let first = net.recv_msg(dealer).unwrap();
    net.recv_all(dealer).unwrap();
    assert!(net.has_out(req));
    net.send(req, "2").unwrap();
    let second = net.recv_msg(dealer).unwrap();
    net.recv_all(dealer).unwrap();
    for (id, body) in [(first, "late"), (second, "good")] {
        net.send_msg(dealer, id).unwrap();
        net.send_all(dealer, &["", body, "end"]).unwrap();
    }
    assert_eq!(net.recv(req).unwrap(), "good");
    // Even with half the reply read.
    net.send(req, "3").unwrap();
    assert_eq!(net.recv(req), Err(Error::Again));
}

#[test]
fn req_waits_for_ever_when_the_peer_is_lost() {
    let mut net = Net::default();
    let (req, rep) = (net.socket(REQ), net.socket(REP));
    let (_, far) = net.connect(req, rep);
    net.send(req, "q").unwrap();
    net.hang_up(rep, far);
    assert_eq!(net.recv(req), Err(Error::Again));
    assert_eq!(net.send(req, "q"), Err(Error::Fsm));
    // In mid-request: the rest is dropped, and again it waits.
    let (req, rep) = (net.socket(REQ), net.socket(REP));
    let (_, far) = net.connect(req, rep);
    net.send_more(req, "q").unwrap();
    net.hang_up(rep, far);
    let next = net.socket(REP);
    net.connect(req, next);
    net.send(req, "q").unwrap();
    assert_eq!(net.recv(req), Err(Error::Again));
    assert!(!net.has_in(next));
}

#[test]
fn rep_gives_the_whole_envelope_back() {
    let mut net = Net::default();
    let (rep, dealer) = (net.socket(REP), net.socket(DEALER));
    net.connect(rep, dealer);
    net.send_all(dealer, &["hop1", "hop2", "", "q", "", "r"])
        .unwrap();
    assert_eq!(net.recv_all(rep).unwrap(), "q||r");
    net.send_all(rep, &["a", "b"]).unwrap();
    assert_eq!(net.drain(dealer), text(&["hop1|hop2||a|b"]));
}

#[test]
fn rep_drops_requests_without_delimiter() {
    let mut net = Net::default();
    let (rep, dealer) = (net.socket(REP), net.socket(DEALER));
    net.connect(rep, dealer);
    for bad in [&["x"][..], &["x", "y"], &[""], &["x", "y", ""]] {
        net.send_all(dealer, bad).unwrap();
    }
    assert!(!net.has_in(rep));
    assert_eq!(net.recv(rep), Err(Error::Again));
    net.send_all(dealer, &["x", "y"]).unwrap();
    net.send_all(dealer, &["", "good"]).unwrap();
    assert_eq!(net.recv_all(rep).unwrap(), "good");
    net.send(rep, "reply").unwrap();
    assert_eq!(net.drain(dealer), text(&["|reply"]));
}

#[test]
fn rep_serves_fairly_and_answers_the_asker() {
    let mut net = Net::default();
    let (rep, reqs) = net.star(REP, 3, REQ);
    for req in &reqs {
        net.send(*req, &req.to_string()).unwrap();
    }
    for _ in &reqs {
        let question = net.recv_all(rep).unwrap();
        net.send(rep, &question).unwrap();
    }
    for req in &reqs {
        assert_eq!(net.drain(*req), [req.to_string()]);
    }
}

#[test]
fn a_reply_to_a_lost_or_full_peer_is_dropped() {
    let mut net = Net::default();
    let (rep, req) = (net.socket(REP), net.socket(REQ));
    // Even so: REP never fails to reply.
    net.on(rep, ZMQ_ROUTER_MANDATORY);
    let (_, far) = net.connect(rep, req);
    net.send_all(req, &["1", "2"]).unwrap();
    assert_eq!(net.recv(rep).unwrap(), "1");
    net.hang_up(req, far);
    assert_eq!(net.recv(rep).unwrap(), "2");
    net.send_all(rep, &["a", "b"]).unwrap();
    assert!(!net.has_in(rep));
    assert_eq!(net.pipes(rep), 0);

    let dealer = net.socket(DEALER);
    net.options(rep).sndhwm = 1;
    net.options(dealer).rcvhwm = 1;
    net.connect(dealer, rep);
    for number in 0..4 {
        net.send_all(dealer, &["", &number.to_string()]).unwrap();
        net.pump();
        assert_eq!(net.recv_all(rep).unwrap(), number.to_string());
        net.send(rep, &number.to_string()).unwrap();
    }
    assert_eq!(net.drain(dealer), text(&["|0", "|1"]));
}
