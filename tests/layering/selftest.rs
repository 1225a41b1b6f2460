//! The checks find what they are for.

use super::*;

/// A tree in a folder of its own, one file a row.
fn tree(name: &str, files: &[(&str, &str)]) -> Vec<String> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layering-{name}"));
    let _ = fs::remove_dir_all(&root);
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    check(&read_tree(&root))
}

const FORBID: &str = "//! Text.\n\n#![forbid(unsafe_code)]\n\n";

/// One file, and the only complaint about it.
fn complaint(name: &str, path: &str, text: &str) -> String {
    let complaints = tree(name, &[(path, text)]);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    complaints[0].clone()
}

#[test]
fn a_good_tree_passes() {
    let shell = "#[unsafe(no_mangle)]\npub extern \"C\" fn f() {\n    call(|| Ok(()))\n}\n";
    let zmtp = format!(
        "{FORBID}use crate::{{error::Error, pipe::{{self, End}}}};\n// crate::capi\n\
         const A: &str = \"crate::capi\";\nconst B: char = '\"';\nuse crate::zmtp::x;\n"
    );
    let files = [
        ("lib.rs", "pub mod capi;\n"),
        ("capi/a.rs", shell),
        ("zmtp/mod.rs", &zmtp),
        ("pipe/mod.rs", "use crate::sync::X;\n"),
        ("reactor/mod.rs", "//! Under construction.\n"),
    ];
    assert_eq!(tree("good", &files), Vec::<String>::new());
}

#[test]
fn upward_imports_are_found() {
    let text = format!("{FORBID}use crate::error::Error;\nuse crate::runtime::Socket;\n");
    let found = complaint("up", "zmtp/v3.rs", &text);
    assert_eq!(found, "zmtp/v3.rs: line 6: upward import of runtime");
    let text = format!("{FORBID}fn f(x: super::super::capi::X) {{}}\n");
    let found = complaint("super", "zmtp/v3.rs", &text);
    assert_eq!(found, "zmtp/v3.rs: line 5: upward import of capi");
}

#[test]
fn sideways_imports_are_found() {
    let text = format!("{FORBID}use crate::{{\n    error::Error,\n    transport::Tcp,\n}};\n");
    let found = complaint("side", "zmtp/mod.rs", &text);
    assert_eq!(found, "zmtp/mod.rs: line 5: sideways import of transport");
}

#[test]
fn modules_without_a_layer_are_found() {
    let found = complaint("stray", "misc.rs", &format!("{FORBID}fn f() {{}}\n"));
    assert_eq!(found, "misc.rs: module misc is in no layer");
}

#[test]
fn a_missing_forbid_is_found() {
    let found = complaint(
        "forbid",
        "runtime/a.rs",
        "// #![forbid(unsafe_code)]\nfn f() {}\n",
    );
    assert!(found.contains("forbid(unsafe_code)"), "{found}");
}

#[test]
fn long_files_are_found() {
    let long = format!("{FORBID}{}", "fn f() {}\n".repeat(500));
    let found = complaint("long", "zmtp/mod.rs", &long);
    assert_eq!(found, "zmtp/mod.rs: 504 lines, at most 500 allowed");
}

#[test]
fn wide_structs_are_found() {
    let fields: String = (0..16)
        .map(|n| format!("    pub(super) f{n}: u8,\n"))
        .collect();
    let wide = format!("{FORBID}pub struct Wide<T> {{\n{fields}}}\n");
    let found = complaint("wide", "zmtp/mod.rs", &wide);
    assert_eq!(found, "zmtp/mod.rs: Wide: 16 fields, at most 15 allowed");
    let excused = wide.replace("pub struct", "// Many fields because: reason\npub struct");
    assert!(tree("excused", &[("zmtp/mod.rs", &excused)]).is_empty());
}

#[test]
fn atomics_that_loom_does_not_see_are_found() {
    let text = format!("{FORBID}use std::sync::atomic::AtomicU8;\n");
    let found = complaint("atomics", "pipe/mod.rs", &text[FORBID.len()..]);
    assert!(
        found.starts_with("pipe/mod.rs: std::sync::atomic without"),
        "{found}"
    );
    let excused = text.replace("use std", &format!("{ATOMICS_BECAUSE}reason\nuse std"));
    assert!(tree("excuse", &[("zmtp/mod.rs", &excused)]).is_empty());
    assert!(tree("sys", &[("sys/mod.rs", &text)]).is_empty());
}

/// Two files that import each other, by each way of naming.
#[test]
fn circles_are_found() {
    let by = |first: &str, second: &str| {
        let (first, second) = (format!("{FORBID}{first}"), format!("{FORBID}{second}"));
        let root = format!("{FORBID}mod a;\nmod b;\npub use b::B;\n#[cfg(test)]\nmod c;\n");
        let files = [
            ("zmtp/mod.rs", root.as_str()),
            ("zmtp/a.rs", &first),
            ("zmtp/b.rs", &second),
            ("zmtp/c.rs", "#![forbid(unsafe_code)]\nuse super::a::A;\n"),
        ];
        tree("circle", &files)
    };
    let two = ["zmtp: a and b import each other in a circle"];
    let one_way = "fn f() { crate::zmtp::b::g(); }\n";
    assert!(by(one_way, "").is_empty());
    assert_eq!(by(one_way, "use super::a::A;\n"), two);
    assert_eq!(by("use super::{b::{B}, x};\n", "use super::{x, a};\n"), two);
    assert_eq!(by("use super::B;\n", "use crate::zmtp::{a::A};\n"), two);
    assert_eq!(by("use super::C;\n", ""), Vec::<String>::new());
    let test = "#[cfg(all(test, not(loom)))]\nmod tests {\n    use super::super::a::A;\n}\n";
    assert!(by(one_way, test).is_empty());
}

/// A module that uses its children, which use it.
#[test]
fn circles_through_the_parent_are_found() {
    let child = format!("{FORBID}use super::X;\n");
    let by = |parent: &str| {
        let parent = format!("{FORBID}mod deep;\n{parent}");
        let files = [
            ("zmtp/mod.rs", parent.as_str()),
            ("zmtp/deep/mod.rs", &child),
        ];
        tree("parent", &files)
    };
    assert!(by("pub use deep::Y;\n").is_empty());
    let found = ["zmtp: deep and mod import each other in a circle"];
    assert_eq!(by("use deep::Y;\n"), found);
    assert_eq!(by("fn f() { deep::f(); }\n"), found);
}

#[test]
fn thread_locals_that_can_panic_are_found() {
    let text = format!("{FORBID}thread_local! {{ static A: u8 = 0; }}\n");
    let found = complaint("locals", "zmtp/mod.rs", &text);
    assert_eq!(found, "zmtp/mod.rs: thread_local! outside of sync/local.rs");
    let text = format!("{FORBID}fn f() {{ std::thread::current(); }}\n");
    let found = complaint("current", "zmtp/mod.rs", &text);
    assert_eq!(
        found,
        "zmtp/mod.rs: thread::current() outside of sync/local.rs"
    );
}

#[test]
fn system_calls_outside_of_sys_are_found() {
    let code = "fn f() { unsafe { libc::syscall(1) }; }\n";
    let found = complaint("system", "sync/a.rs", code);
    assert_eq!(found, "sync/a.rs: libc::syscall outside of sys");
    assert!(tree("calls", &[("sys/linux/a.rs", code)]).is_empty());
}

#[test]
fn long_and_unguarded_functions_are_found() {
    let long = format!("fn a(\n    x: u8,\n) {{\n{}}}\n", "    f();\n".repeat(16));
    let found = complaint("function", "capi/a.rs", &long);
    assert_eq!(found, "capi/a.rs: fn a: 16 lines, at most 15 allowed");
    let bare = "#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn b() -> i32 {\n    1\n}\n";
    let found = complaint("boundary", "capi/a.rs", bare);
    assert_eq!(found, "capi/a.rs: fn b: does not go through the boundary");
}
