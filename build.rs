//! Gives the shared library the name that programs linked with libzmq look for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let elf = ["linux", "freebsd", "netbsd", "openbsd", "dragonfly"];
    if elf.contains(&system.as_str()) {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzmq.so.5");
    }
}
