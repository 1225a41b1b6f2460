//! `FERROZMQ_DRAFT=0`: the answers of a stable build.

mod common;

use common::Context;
use zmq::abi::numbers::ZMQ_STREAM;
use zmq::capi::errors::zmq_has;

// Alone in its process: the variable is read once.
#[test]
fn draft_sockets_and_capabilities_are_not_there() {
    // SAFETY: no other thread uses the environment; the test harness's waits for this one.
    unsafe { std::env::set_var("FERROZMQ_DRAFT", "0") };
    let context = Context::new();
    for kind in 0..=ZMQ_STREAM {
        context.socket(kind).unwrap().close().unwrap();
    }
    for kind in ZMQ_STREAM + 1..=ZMQ_STREAM + 12 {
        assert_eq!(context.socket(kind), Err(libc::EINVAL));
    }
    for name in [c"draft", c"WS", c"WSS"] {
        // SAFETY: a string.
        assert_eq!(unsafe { zmq_has(name.as_ptr()) }, 0);
    }
    // SAFETY: a string.
    assert_eq!(unsafe { zmq_has(c"ipc".as_ptr()) }, 1);
    context.terminate().unwrap();
}
