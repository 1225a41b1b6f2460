//! The rules of the source tree that a reader of the text can check: imports
//! point down and not in circles, unsafe code stays where it may be, files,
//! structs and the functions of the C API are short.

mod circles;
mod models;
mod selftest;
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use text::{blank, first_names, functions};

/// The layers, highest first. A module uses what is below its layer, and
/// nothing else but itself.
const LAYERS: &[&[&str]] = &[
    &["capi"],
    &["runtime"],
    &["connection", "pattern"],
    &["transport", "zmtp"],
    &["reactor"],
    &["pipe"],
    &["message", "options"],
    &["io_policy"],
    &["error", "sync"],
    &["abi", "sys"],
];

/// The modules that may hold unsafe code.
const UNSAFE: &[&str] = &["capi", "message", "pipe", "sync", "sys"];

/// Most lines in a file.
const FILE_LINES: usize = 500;

/// Most fields in a struct that does not say why it has many.
const STRUCT_FIELDS: usize = 15;
const MANY_FIELDS_BECAUSE: &str = "// Many fields because: ";

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

/// The atomics that loom does not see, and the reason that each use of them has on the line before.
/// `sys` is below the others, and tests run without loom.
const ATOMICS: &str = "std::sync::atomic";
const ATOMICS_FILE: &str = "sync/mod.rs";
const ATOMICS_BECAUSE: &str = "// Not from sync::atomic: ";

/// Most lines in the body of a function of the C API.
const CAPI_LINES: usize = 15;

#[test]
fn the_tree_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let complaints = check(&read_tree(&root));
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn read_tree(root: &Path) -> Vec<File> {
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    assert!(!files.is_empty(), "no sources in {}", root.display());
    files.iter().map(|path| File::read(root, path)).collect()
}

fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let found = file.check().into_iter();
        complaints.extend(found.map(|what| format!("{}: {what}", file.name)));
    }
    complaints.extend(circles::check(files));
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
    /// The path of its own module from the crate.
    path: Vec<String>,
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
            path: modules,
            code: blank(&text),
            text,
        }
    }

    fn check(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.check_length().into_iter().collect();
        complaints.extend(self.check_structs());
        complaints.extend(self.check_atomics());
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
        (lines > FILE_LINES).then(|| format!("{lines} lines, at most {FILE_LINES} allowed"))
    }

    /// Structs with named fields, of which there are too many for no reason.
    fn check_structs(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let (mut name, mut fields, mut excused) = (None, 0, false);
        for (text, code) in self.text.lines().zip(self.code.lines()) {
            let words = code.trim_start().trim_start_matches("pub");
            excused |= text.trim_start().starts_with(MANY_FIELDS_BECAUSE);
            if let Some((_, rest)) = words.split_once("struct ").filter(|_| code.ends_with('{')) {
                (name, fields) = (Some(first_names(rest).remove(0)), 0);
            } else if let Some(done) = name.take_if(|_| code.trim() == "}") {
                if fields > STRUCT_FIELDS && !excused {
                    complaints.push(format!(
                        "{done}: {fields} fields, at most {STRUCT_FIELDS} allowed"
                    ));
                }
                excused = false;
            } else if name.is_some() && is_field(code) {
                fields += 1;
            }
        }
        complaints
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
        let up = "super::".repeat(self.path.len());
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

    /// Models see what is from `sync::atomic` only.
    fn check_atomics(&self) -> Option<String> {
        let is_test = self.path.iter().any(|name| name == "tests") || self.name == ATOMICS_FILE;
        if is_test || self.module.as_deref() == Some("sys") {
            return None;
        }
        let (code, _) = circles::production(&self.code);
        let found = code.matches(ATOMICS).count();
        let lines = self.text.lines().map(str::trim_start);
        let excused = lines
            .filter(|line| line.starts_with(ATOMICS_BECAUSE))
            .count();
        (found > excused).then(|| format!("{ATOMICS} without `{ATOMICS_BECAUSE}`"))
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

/// Whether a line of a struct begins a field.
fn is_field(code: &str) -> bool {
    let code = code.trim_start();
    let code = match code.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or("", |(_, rest)| rest),
        Some(rest) if rest.starts_with(' ') => rest,
        _ => code,
    };
    let name = first_names(code.trim_start()).remove(0);
    let rest = &code.trim_start()[name.len()..];
    !name.is_empty() && rest.starts_with(':') && !rest.starts_with("::")
}

/// The place of a module's layer, counted from the top.
fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}
