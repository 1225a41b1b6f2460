//! The shared library is what a program linked with libzmq expects: its name,
//! its functions and nothing else, without C++ and of a modest size.
//!
//! `FERROZMQ_LIB` names a release build to look at; without it one is made.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const LARGEST: u64 = 3_500_000;

fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| match std::env::var_os("FERROZMQ_LIB") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

/// A folder of its own, as the usual one may be in use by who runs the tests.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("symbols");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--lib", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(status.expect("cannot run cargo").success());
    target.join("release/libzmq.so")
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .arg(library())
        .output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_library_exports_the_functions_and_nothing_else() {
    let table = run("nm", &["-D", "--defined-only", "--format=posix"]);
    let mut exported: Vec<&str> = table
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    exported.sort_unstable();
    // The stable functions, and of the draft ones what is there so far.
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/exported.txt");
    let list = fs::read_to_string(list).unwrap();
    let wanted: Vec<&str> = list.lines().collect();
    let missing: Vec<_> = wanted
        .iter()
        .filter(|name| !exported.contains(name))
        .collect();
    let unknown: Vec<_> = exported
        .iter()
        .filter(|name| !wanted.contains(name))
        .collect();
    assert!(unknown.is_empty(), "exported but not public: {unknown:?}");
    assert!(missing.is_empty(), "public but not exported: {missing:?}");
    assert_eq!(exported, wanted, "the list is not sorted");
}

#[test]
fn the_library_has_its_name_and_needs_no_cxx() {
    let dynamic = run("readelf", &["-d", "-W"]);
    let named = dynamic.lines().find(|line| line.contains("(SONAME)"));
    assert!(
        named.is_some_and(|line| line.ends_with("[libzmq.so.5]")),
        "{dynamic}"
    );
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .collect();
    assert!(!needed.is_empty());
    assert!(needed.iter().all(|line| !line.contains("++")), "{needed:?}");
}

#[test]
fn the_library_is_small() {
    let stripped = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libzmq-stripped.so");
    run("strip", &["-o", stripped.to_str().unwrap()]);
    let size = fs::metadata(&stripped).unwrap().len();
    assert!(size < LARGEST, "{size} bytes");
}
