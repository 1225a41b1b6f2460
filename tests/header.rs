//! `include/zmq.h` is what the sources say, is complete, and compiles without
//! a warning as C99 and C++11. `FERROZMQ_BLESS=1` writes the header.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The sources in the order of the header, and the heading of each part.
/// Other files of src/capi follow under their file names.
const PARTS: &[(&str, &str)] = &[
    ("src/abi/numbers.rs", "Numbers"),
    ("src/abi/options.rs", "Options of sockets and contexts"),
    ("src/capi/types.rs", "Types"),
    ("src/capi/errors.rs", "Errors and versions"),
    ("src/capi/ctx.rs", "Contexts"),
    ("src/capi/msg.rs", "Messages"),
    ("src/capi/socket.rs", "Sockets"),
    ("src/capi/poll.rs", "Polling"),
    ("src/capi/proxy.rs", "Proxies"),
    ("src/capi/monitor.rs", "Monitoring"),
    ("src/capi/utils.rs", "Helpers"),
    ("src/capi/timers.rs", "Timers"),
    ("src/capi/threads.rs", "Threads"),
];

/// The sources of the part under `ZMQ_BUILD_DRAFT_API`.
const DRAFT_PARTS: &[(&str, &str)] = &[
    ("src/abi/numbers/draft.rs", "Draft: numbers"),
    ("src/abi/options/draft.rs", "Draft: options"),
    ("src/capi/draft.rs", "Draft: functions"),
    ("src/capi/poller.rs", "Draft: pollers"),
    ("src/capi/peers.rs", "Draft: peers"),
    ("src/capi/groups.rs", "Draft: groups"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_header_is_what_the_sources_say() {
    let path = root().join("include/zmq.h");
    let fresh = generate();
    if std::env::var_os("FERROZMQ_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let lines = fresh.lines().zip(committed.lines()).enumerate();
    if let Some((number, (new, old))) = lines.clone().find(|(_, (new, old))| new != old) {
        panic!(
            "zmq.h, line {}: is\n  {old}\nshould be\n  {new}\nRun `make header`.",
            number + 1
        );
    }
    assert_eq!(
        fresh.len(),
        committed.len(),
        "zmq.h has another length; run `make header`"
    );
}

#[test]
fn every_function_is_declared_once() {
    let declared = declared(&generate());
    let unique: BTreeSet<_> = declared.iter().cloned().collect();
    assert_eq!(declared.len(), unique.len(), "declared twice: {declared:?}");
    let mut wanted = names("functions.txt");
    wanted.extend(names("draft_functions.txt"));
    let missing: Vec<_> = wanted.difference(&unique).collect();
    let unknown: Vec<_> = unique.difference(&wanted).collect();
    assert!(missing.is_empty(), "not in the header: {missing:?}");
    assert!(unknown.is_empty(), "not in tests/data: {unknown:?}");
}

#[test]
fn no_macro_is_defined_twice() {
    let header = generate();
    let mut seen = BTreeSet::new();
    for line in header
        .lines()
        .filter(|line| line.starts_with("#define ZMQ_"))
    {
        let name = line.split([' ', '(']).nth(1).unwrap();
        // These two have one definition for each kind of compiler.
        if !["ZMQ_EXPORT", "ZMQ_MSG_ALIGNED_"].contains(&name) {
            assert!(seen.insert(name), "{name} is defined twice");
        }
    }
    assert!(seen.len() > 200, "only {} macros", seen.len());
}

#[test]
fn compiles_as_c99() {
    compile("c99", &[]);
}

#[test]
fn compiles_as_c99_with_the_draft_api() {
    compile("c99", &["-DZMQ_BUILD_DRAFT_API"]);
}

#[test]
fn compiles_as_cxx11() {
    compile("c++11", &[]);
}

#[test]
fn compiles_as_cxx11_with_the_draft_api() {
    compile("c++11", &["-DZMQ_BUILD_DRAFT_API"]);
}

/// The programs in capi-tests/header hold the numbers, prototypes and layouts
/// and stop the compiler where the header says something else.
fn compile(standard: &str, flags: &[&str]) {
    let language = if standard.starts_with("c++") {
        "c++"
    } else {
        "c"
    };
    let compiler = if language == "c" {
        ("CC", "cc")
    } else {
        ("CXX", "c++")
    };
    let compiler = std::env::var(compiler.0).unwrap_or(compiler.1.to_owned());
    let folder = root().join("capi-tests/header");
    let mut sources = files(&folder, "c");
    sources.retain(|path| path.is_file());
    assert!(!sources.is_empty());
    for source in sources {
        let output = Command::new(&compiler)
            .args(["-x", language, &format!("-std={standard}")])
            .args([
                "-Wall",
                "-Wextra",
                "-Wundef",
                "-pedantic",
                "-Werror",
                "-fsyntax-only",
                "-I",
            ])
            .arg(root().join("include"))
            .args(flags)
            .arg(&source)
            .output()
            .unwrap_or_else(|error| panic!("cannot run {compiler}: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{errors}", source.display());
    }
}

fn names(file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("tests/data").join(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The names of all functions that a header declares, in order.
fn declared(header: &str) -> Vec<String> {
    let stable_and_draft = header
        .split("#ifdef _WIN32\nZMQ_EXPORT")
        .collect::<Vec<_>>();
    let mut found = Vec::new();
    for text in stable_and_draft {
        let text = text.replace('\n', " ");
        for after in text.split("ZMQ_EXPORT ").skip(1) {
            let before_arguments = after.split('(').next().unwrap_or("");
            let name = before_arguments
                .trim()
                .rsplit([' ', '*'])
                .next()
                .unwrap_or("");
            if name.starts_with("zmq_")
                && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
            {
                found.push(name.to_owned());
            }
        }
    }
    found
}

fn generate() -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let preamble = config.header.take().unwrap();
    let trailer = config.trailer.take().unwrap();
    let mut header = preamble.trim_start().to_owned();
    for (source, title) in parts() {
        header.push_str(&part(&config, &source, &title));
    }
    header.push_str("\n/* What follows may change or go with any release. */\n");
    header.push_str("#ifdef ZMQ_BUILD_DRAFT_API\n");
    for (source, title) in DRAFT_PARTS {
        header.push_str(&part(&config, &root().join(source), title));
    }
    header.push_str(&trailer);
    header
}

/// [`PARTS`], and the files of src/capi that export something else.
fn parts() -> Vec<(PathBuf, String)> {
    let known = |path: &Path| {
        let parts = PARTS.iter().chain(DRAFT_PARTS);
        parts
            .map(|(source, _)| root().join(source))
            .any(|source| source == path)
    };
    let named = PARTS
        .iter()
        .map(|(source, title)| (root().join(source), title.to_string()));
    let others = files(&root().join("src/capi"), "rs");
    let exports = |path: &PathBuf| fs::read_to_string(path).unwrap().contains("no_mangle");
    let others = others
        .into_iter()
        .filter(|path| !known(path) && exports(path));
    let others = others.map(|path| {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        (path, stem)
    });
    named.chain(others).collect()
}

/// The files of a folder with an extension, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// What one source file adds to the header: nothing if it exports nothing.
fn part(config: &cbindgen::Config, source: &Path, title: &str) -> String {
    let text = fs::read_to_string(source).unwrap_or_default();
    // One file alone is parsed, so that the header has the order of the parts;
    // C has function types, which a nullable function pointer is a pointer to.
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let text = function_pointers(text);
    let name = source
        .strip_prefix(root())
        .unwrap()
        .to_string_lossy()
        .replace(['/', '.'], "_");
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "_");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{thread}{name}.rs"));
    fs::write(&copy, text).unwrap();
    let builder = cbindgen::Builder::new()
        .with_config(config.clone())
        .with_src(&copy);
    let bindings = builder
        .generate()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut bytes = Vec::new();
    bindings.write(&mut bytes);
    fs::remove_file(&copy).unwrap();
    let body = tidy(&String::from_utf8(bytes).unwrap());
    match body.trim().is_empty() {
        true => String::new(),
        false => format!("\n/* ---- {title} ---- */\n\n{}\n", body.trim()),
    }
}

/// `Option<zmq_x_fn>` becomes `*mut zmq_x_fn`.
fn function_pointers(text: &str) -> String {
    let mut pieces = text.split("Option<zmq_");
    let mut result = pieces.next().unwrap().to_owned();
    for piece in pieces {
        match piece.split_once("_fn>") {
            Some((name, rest)) if name.bytes().all(|b| b.is_ascii_lowercase()) => {
                result += &format!("*mut zmq_{name}_fn{rest}");
            }
            _ => result += &format!("Option<zmq_{piece}"),
        }
    }
    result
}

/// Gives comments the form they have in C: no Rust sections, no back quotes, a
/// single line if it fits; and keeps macros together.
fn tidy(text: &str) -> String {
    let mut result = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if line.trim() == "/*" {
            let body = lines.by_ref().take_while(|line| line.trim() != "*/");
            result += &comment(indent, body);
        } else if line.is_empty() {
            // cbindgen parts all items; macros with short comments need no gap.
            let macros = result
                .lines()
                .last()
                .is_some_and(|line| line.starts_with("#define"));
            if !macros {
                result.push('\n');
            }
        } else {
            result += line;
            result.push('\n');
        }
    }
    result
}

fn comment<'a>(indent: &str, body: impl Iterator<Item = &'a str>) -> String {
    let body = body.map(|line| line.trim().replace('`', ""));
    // The rest has to be consumed too: it is the iterator of the caller.
    let mut lines: Vec<String> = body.collect();
    let end = lines
        .iter()
        .position(|line| line.starts_with("# "))
        .unwrap_or(lines.len());
    lines.truncate(end);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    if let [line] = &lines[..] {
        return format!("{indent}/* {line} */\n");
    }
    let inner: String = lines
        .iter()
        .map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n")
        .collect();
    format!("{indent}/*\n{inner}{indent} */\n")
}
