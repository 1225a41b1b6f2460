//! The rules of the source tree that a reader of the text can check: imports
//! point down, unsafe code stays where it may be, files and the functions of
//! the C API are short.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, highest first. A module uses what is below its layer, and
/// nothing else but itself.
const LAYERS: &[&[&str]] = &[
    &["capi"],
    &["runtime"],
    &["connection", "pattern"],
    &["transport", "zmtp"],
    &["reactor"],
    &["pipe"],
    &["endpoint", "message", "options"],
    &["io_policy"],
    &["error", "sync"],
    &["abi", "sys"],
];

/// The modules that may hold unsafe code.
const UNSAFE: &[&str] = &["capi", "message", "pipe", "sync", "sys"];

/// Most lines in a file, and in one that says why it is long.
const FILE_LINES: usize = 600;
const LONG_FILE_LINES: usize = 1000;
const LONG_BECAUSE: &str = "// Long because: ";

/// The ways in and out of the C API.
const BOUNDARY: &[&str] = &[
    "plain(",
    "call(",
    "shielded(",
    "sending(",
    "receiving(",
    "terminate(",
];

/// What panics when a thread's locals are gone, and the files that may use it: the one that
/// wraps it, and one that only loom models compile.
const LOCALS: &[&str] = &["thread_local!", "thread::current()"];
const LOCALS_FILES: &[&str] = &["sync/local.rs", "sync/model.rs"];

/// What only `sys` does: ask for the system that the library is built for, and make these calls.
const SYSTEM: &[&str] = &[
    "target_os",
    "target_vendor",
    "errno_location",
    "libc::syscall",
    "libc::poll(",
    "sigmask(",
    "clock_gettime",
    "getrandom",
];

/// Most lines in the body of a function of the C API.
const CAPI_LINES: usize = 15;

#[test]
fn the_tree_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let complaints = check(&root);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn check(root: &Path) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    assert!(!files.is_empty(), "no sources in {}", root.display());
    for path in files {
        let file = File::read(root, &path);
        complaints.extend(
            file.check()
                .into_iter()
                .map(|what| format!("{}: {what}", file.name)),
        );
    }
    complaints
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

struct File {
    /// Relative to the root.
    name: String,
    /// The top-level module it belongs to; lib.rs has none.
    module: Option<String>,
    /// How far below the crate its own module is.
    depth: usize,
    text: String,
    /// The text with comments and literals blanked out.
    code: String,
}

impl File {
    fn read(root: &Path, path: &Path) -> File {
        let relative = path.strip_prefix(root).unwrap();
        let mut modules: Vec<String> = relative
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into())
            .collect();
        if modules
            .last()
            .is_some_and(|last| last == "mod" || last == "lib")
        {
            modules.pop();
        }
        let text = fs::read_to_string(path).unwrap();
        File {
            name: relative.to_string_lossy().into_owned(),
            module: modules.first().cloned(),
            depth: modules.len(),
            code: blank(&text),
            text,
        }
    }

    fn check(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.check_length().into_iter().collect();
        // A file with nothing but comments is a place for code to come.
        if let Some(module) = self
            .module
            .as_ref()
            .filter(|_| !self.code.trim().is_empty())
        {
            complaints.extend(self.check_imports(module));
            complaints.extend(self.check_forbid(module));
            complaints.extend(self.check_locals());
            complaints.extend(self.check_system(module));
            if module == "capi" {
                complaints.extend(self.check_functions());
            }
        }
        complaints
    }

    fn check_length(&self) -> Option<String> {
        let lines = self.text.lines().count();
        let reason = self.text.lines().any(|line| line.starts_with(LONG_BECAUSE));
        let most = if reason { LONG_FILE_LINES } else { FILE_LINES };
        (lines > most).then(|| format!("{lines} lines, at most {most} allowed"))
    }

    fn check_imports(&self, module: &str) -> Vec<String> {
        let Some(own) = layer(module) else {
            return vec![format!("module {module} is in no layer")];
        };
        let mut complaints = Vec::new();
        for (line, used) in self.imports() {
            let below = layer(&used).is_some_and(|layer| layer > own);
            if used != module && !below && layer(&used).is_some() {
                let way = if layer(&used) == Some(own) {
                    "sideways"
                } else {
                    "upward"
                };
                complaints.push(format!("line {line}: {way} import of {used}"));
            }
        }
        complaints
    }

    /// The top-level modules that paths name, each with its line.
    fn imports(&self) -> Vec<(usize, String)> {
        let up = "super::".repeat(self.depth);
        let mut imports = Vec::new();
        for prefix in ["crate::", up.as_str()] {
            for (start, _) in self.code.match_indices(prefix) {
                let before = self.code[..start].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let line = self.code[..start].matches('\n').count() + 1;
                let names = first_names(&self.code[start + prefix.len()..]);
                imports.extend(names.into_iter().map(|name| (line, name)));
            }
        }
        imports
    }

    fn check_forbid(&self, module: &str) -> Option<String> {
        if UNSAFE.contains(&module) {
            return None;
        }
        let first = self.code.lines().find(|line| line.starts_with("#!["));
        let good = first == Some("#![forbid(unsafe_code)]");
        (!good).then(|| "the first inner attribute is not #![forbid(unsafe_code)]".to_owned())
    }

    /// Calls from exit handlers and destructors come when a thread's locals are gone.
    fn check_locals(&self) -> Vec<String> {
        let is_test = ["tests", "conformance"]
            .iter()
            .any(|test| self.name.contains(test));
        let is_test = is_test || LOCALS_FILES.contains(&self.name.as_str());
        let code = self.code.split("#[cfg(test)]\nmod ").next().unwrap();
        let code = code.split("#[cfg(all(test").next().unwrap();
        let used = LOCALS
            .iter()
            .filter(|name| !is_test && code.contains(**name));
        used.map(|name| format!("{name} outside of {}", LOCALS_FILES[0]))
            .collect()
    }

    /// What depends on the system is in one place, for a port to find it.
    fn check_system(&self, module: &str) -> Vec<String> {
        let code = self.code.split("#[cfg(test)]\nmod ").next().unwrap();
        let used = SYSTEM
            .iter()
            .filter(|name| module != "sys" && code.contains(**name));
        used.map(|name| format!("{name} outside of sys")).collect()
    }

    fn check_functions(&self) -> Vec<String> {
        let code = self.code.split("#[cfg(test)]\nmod ").next().unwrap();
        let mut complaints = Vec::new();
        for (name, exported, body) in functions(code) {
            let lines = body.trim_matches('\n').lines().count();
            if lines > CAPI_LINES {
                complaints.push(format!(
                    "fn {name}: {lines} lines, at most {CAPI_LINES} allowed"
                ));
            }
            if exported && !BOUNDARY.iter().any(|way| body.contains(way)) {
                complaints.push(format!("fn {name}: does not go through the boundary"));
            }
        }
        complaints
    }
}

/// The place of a module's layer, counted from the top.
fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The names a path continues with: one, or those of a group in braces.
fn first_names(rest: &str) -> Vec<String> {
    let identifier = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![identifier(rest)];
    };
    let (mut depth, mut names, mut start) = (0usize, Vec::new(), true);
    for (place, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.push(identifier(&group[place..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

/// Name, whether it is exported, and body of each function in blanked code.
fn functions(code: &str) -> Vec<(String, bool, &str)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        let line = code[..start].rfind('\n').map_or(0, |end| end + 1);
        let before = &code[line..start];
        let name = first_names(code[start + 3..].trim_start()).remove(0);
        let parted = before.is_empty() || before.ends_with([' ', '(']);
        // Without a name it is the type of a function pointer.
        if name.is_empty() || !parted {
            continue;
        }
        let Some(open) = code[start..].find(['{', ';']).map(|open| start + open) else {
            continue;
        };
        if code[open..].starts_with('{') {
            let exported = before.contains("extern") && code[..line].trim_end().ends_with(")]");
            found.push((name, exported, body(&code[open + 1..])));
        }
    }
    found
}

/// The text up to the brace that closes the one before it.
fn body(rest: &str) -> &str {
    let mut depth = 0usize;
    for (place, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return &rest[..place],
            '}' => depth -= 1,
            _ => {}
        }
    }
    rest
}

/// Replaces the text of comments and literals with blanks, line by line as
/// long as it was.
fn blank(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = opaque(rest, result.chars().next_back());
        if length == 0 {
            result.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let hidden = &rest[..length];
            result.extend(hidden.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    result
}

/// The length of the comment or literal at the start of the text, or 0.
fn opaque(rest: &str, before: Option<char>) -> usize {
    let to_end = |end: Option<usize>| end.unwrap_or(rest.len());
    if rest.starts_with("//") {
        return to_end(rest.find('\n'));
    }
    if rest.starts_with("/*") {
        return to_end(rest.find("*/").map(|end| end + 2));
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    for prefix in ["r", "br", "cr"] {
        let hashes = rest.strip_prefix(prefix).filter(|_| !in_word);
        let count = hashes.map_or(0, |text| text.bytes().take_while(|b| *b == b'#').count());
        let open = prefix.len() + count;
        if hashes.is_some() && rest[open..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(count));
            return to_end(
                rest[open + 1..]
                    .find(&close)
                    .map(|end| open + 1 + end + close.len()),
            );
        }
    }
    match rest.as_bytes()[0] {
        b'"' => quoted(rest, '"'),
        // A character; otherwise it is a lifetime.
        b'\'' if rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'') => {
            quoted(rest, '\'')
        }
        _ => 0,
    }
}

/// The length of a literal with escapes that starts with its quote.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (place, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return place + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A tree in a folder of its own, one file a row.
fn tree(name: &str, files: &[(&str, &str)]) -> Vec<String> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layering-{name}"));
    let _ = fs::remove_dir_all(&root);
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    check(&root)
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
    let long = |lines| format!("{FORBID}{}", "fn f() {}\n".repeat(lines));
    let found = complaint("long", "zmtp/mod.rs", &long(600));
    assert_eq!(found, "zmtp/mod.rs: 604 lines, at most 600 allowed");
    let excused = |lines| format!("{}{LONG_BECAUSE}reason\n", long(lines));
    assert!(tree("excused", &[("zmtp/mod.rs", &excused(990))]).is_empty());
    let found = complaint("longer", "zmtp/mod.rs", &excused(1000));
    assert_eq!(found, "zmtp/mod.rs: 1005 lines, at most 1000 allowed");
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
