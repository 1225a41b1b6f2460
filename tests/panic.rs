//! What is said on stderr when the library itself fails, with and without `ZMQ_LOG`.

#![cfg(target_os = "linux")]

use std::process::Command;
use zmq::capi::boundary::{EPANIC, call, errno};

/// Panics twice at the C boundary; run by the other test in a process of its own.
#[test]
#[ignore = "part of the other test"]
fn panics_at_the_boundary() {
    for _ in 0..2 {
        let value: i32 = call(|| panic!("on purpose"));
        assert_eq!((value, errno()), (-1, EPANIC));
    }
}

/// The lines that this wrote to stderr, without those of the panic hook.
fn lines(level: Option<&str>) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "panics_at_the_boundary",
        "--ignored",
        "--nocapture",
    ]);
    command
        .env_remove("ZMQ_LOG")
        .envs(level.map(|level| ("ZMQ_LOG", level)));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let ours = |line: &&str| line.starts_with("zmq ");
    text.lines().filter(ours).map(str::to_owned).collect()
}

#[test]
fn a_panic_is_told_once_or_each_time_if_one_listens() {
    for (level, count) in [
        (None, 1),
        (Some("off"), 1),
        (Some("error"), 2),
        (Some("trace"), 2),
    ] {
        let lines = lines(level);
        assert_eq!(lines.len(), count, "{level:?} {lines:?}");
        for line in lines {
            assert!(line.starts_with("zmq error ") && line.contains("[library] internal error"));
        }
    }
}
