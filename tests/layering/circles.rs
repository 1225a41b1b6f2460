//! No files of a folder import each other in a circle.
//!
//! The rule. In each folder a file is a node, together with the folder of the same name, and
//! `mod.rs` (or the file that the folder is named after) is a node like the others. A node
//! imports another if it names it in a path, whether in a `use` or in the code: by `crate::`,
//! `super::` or `self::`, or from `mod.rs` by the child's name. A name that `mod.rs` re-exports
//! counts as the file it is from, and the re-export itself does not count. There must be no
//! circle. Code that only tests compile is left out.
//!
//! So a child may use what its `mod.rs` defines if `mod.rs` does not use that child, and a
//! `mod.rs` that only declares and re-exports is in no circle. What no path names, such as a call
//! of a method whose file is not imported, is not found.

use super::File;
use super::text::body;
use std::collections::{BTreeMap, BTreeSet};

/// The name of the node of a folder's own file.
const OWN: &str = "mod";

/// For each folder, the nodes and what they import.
type Graphs = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A complaint for each folder with files in circles.
pub fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (folder, graph) in graphs(files) {
        let nodes = in_circles(&graph);
        if !nodes.is_empty() {
            let nodes = nodes.join(" and ");
            complaints.push(format!("{folder}: {nodes} import each other in a circle"));
        }
    }
    complaints
}

/// The nodes that can be reached from themselves.
fn in_circles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reaches_itself = |start: &String| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = graph[start].iter().collect();
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                open.extend(graph.get(node).into_iter().flatten());
            }
        }
        seen.contains(start)
    };
    graph
        .keys()
        .filter(|node| reaches_itself(node))
        .cloned()
        .collect()
}

/// A module: its path from the crate, and what its file names.
struct Module {
    path: Vec<String>,
    /// The code that is not for tests only, without declarations and re-exports.
    code: String,
    /// Each name that is re-exported, with the path it comes from.
    exports: BTreeMap<String, Vec<String>>,
}

fn graphs(files: &[File]) -> Graphs {
    let mut modules = BTreeMap::new();
    let mut tests = Vec::new();
    for file in files.iter().filter(|file| file.module.is_some()) {
        let path = file.path.clone();
        let (code, only_tests) = production(&file.code);
        tests.extend(only_tests.into_iter().map(|name| joined(&path, &name)));
        let (code, exports) = without_exports(&code, &path);
        let module = Module {
            path: path.clone(),
            code,
            exports,
        };
        modules.insert(path, module);
    }
    modules.retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
    let mut graphs = Graphs::new();
    for module in modules.values() {
        for path in names(module, &modules) {
            let target = origin(path, &modules);
            add(&mut graphs, &module.path, &target);
        }
    }
    graphs
}

/// Adds the import to the graph of the folder that has both modules.
fn add(graphs: &mut Graphs, from: &[String], to: &[String]) {
    let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let node = |path: &[String]| path.get(common).cloned().unwrap_or(OWN.into());
    let (source, target) = (node(from), node(to));
    if common > 0 && source != target {
        let graph = graphs.entry(from[..common].join("/")).or_default();
        graph.entry(target.clone()).or_default();
        graph.entry(source).or_default().insert(target);
    }
}

/// The module with a file that a path leads to, through re-exports.
fn origin(mut path: Vec<String>, modules: &BTreeMap<Vec<String>, Module>) -> Vec<String> {
    for _ in 0..8 {
        let length = (0..=path.len())
            .rev()
            .find(|n| modules.contains_key(&path[..*n]));
        let Some(length) = length else {
            return Vec::new();
        };
        let exports = &modules[&path[..length]].exports;
        match path.get(length).and_then(|name| exports.get(name)) {
            Some(source) => path = source.clone(),
            None => return path[..length].to_vec(),
        }
    }
    path
}

/// All paths in a module's code, from the crate.
fn names(module: &Module, modules: &BTreeMap<Vec<String>, Module>) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (start, _) in module.code.match_indices("::") {
        let head_start = module.code[..start]
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |place| place + 1);
        let head = &module.code[head_start..start];
        if head.is_empty() || module.code[..head_start].ends_with("::") {
            continue;
        }
        let own = || {
            let mut own = module.path.clone();
            own.extend(inline_modules(&module.code[..head_start]));
            own
        };
        let base = match head {
            "crate" => Vec::new(),
            "self" => own(),
            "super" => parent(own()),
            // The child of a module that has a file.
            child if modules.contains_key(&joined(&module.path, child)) => {
                joined(&module.path, child)
            }
            _ => continue,
        };
        found.extend(expand(&module.code[start + 2..], base));
    }
    found
}

/// The paths that a `use` or an expression continues with.
fn expand(rest: &str, mut base: Vec<String>) -> Vec<Vec<String>> {
    let rest = rest.trim_start();
    if let Some(group) = rest.strip_prefix('{') {
        let items = split_group(body(group));
        return items
            .into_iter()
            .flat_map(|item| expand(item, base.clone()))
            .collect();
    }
    let length = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    match &rest[..length] {
        "" => return vec![base],
        "super" => base = parent(base),
        "self" => {}
        name => base.push(name.into()),
    }
    match rest[length..].strip_prefix("::") {
        Some(more) => expand(more, base),
        None => vec![base],
    }
}

/// The items between the commas of a group.
fn split_group(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0usize, 0, Vec::new());
    for (place, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    items.push(&group[start..]);
    items
        .into_iter()
        .filter(|item| !item.trim().is_empty())
        .collect()
}

fn parent(mut path: Vec<String>) -> Vec<String> {
    path.pop();
    path
}

fn joined(path: &[String], name: &str) -> Vec<String> {
    let mut path = path.to_vec();
    path.push(name.into());
    path
}

/// The names of the modules whose braces are open at the end of the code.
fn inline_modules(before: &str) -> Vec<String> {
    let mut open = Vec::new();
    for (start, _) in before.match_indices("mod ") {
        let rest = &before[start + 4..];
        let Some((name, inside)) = rest.split_once([' ', ';']) else {
            continue;
        };
        let is_open = inside
            .strip_prefix('{')
            .is_some_and(|inside| body(inside).len() == inside.len());
        if is_open && !name.contains(|c: char| !c.is_alphanumeric() && c != '_') {
            open.push(name.into());
        }
    }
    open
}

/// The code without what only tests compile, and the names of the modules among that.
pub fn production(code: &str) -> (String, Vec<String>) {
    let (mut kept, mut tests, mut rest) = (String::new(), Vec::new(), code);
    let begin = |text: &str| {
        let places = ["#[cfg(test)]", "#[cfg(all(test"];
        places.iter().filter_map(|place| text.find(place)).min()
    };
    while let Some(start) = begin(rest) {
        kept.push_str(&rest[..start]);
        let item = &rest[start..];
        let end = match item.find(['{', ';']) {
            Some(open) if item[open..].starts_with('{') => {
                open + 1 + body(&item[open + 1..]).len() + 1
            }
            Some(end) => end + 1,
            None => item.len(),
        };
        let item = &item[..end.min(item.len())];
        let name = item
            .strip_suffix(';')
            .and_then(|item| item.rsplit_once("mod "));
        tests.extend(name.map(|(_, name)| name.to_owned()));
        rest = &rest[start + item.len()..];
    }
    kept.push_str(rest);
    (kept, tests)
}

/// The code without declarations of modules and re-exports, and what is re-exported.
fn without_exports(code: &str, path: &[String]) -> (String, BTreeMap<String, Vec<String>>) {
    let (mut kept, mut exports) = (String::new(), BTreeMap::new());
    for statement in code.split_inclusive(';') {
        let start = statement.find("pub use ").or_else(|| {
            let open = statement.find("pub(")?;
            statement[open..]
                .split_once(") ")?
                .1
                .starts_with("use ")
                .then_some(open)
        });
        let Some(start) = start else {
            kept.push_str(statement);
            continue;
        };
        kept.push_str(&statement[..start]);
        let (_, tree) = statement[start..].split_once("use ").unwrap_or_default();
        let tree = tree.trim_start();
        let (head, base) = match tree.split_once("::").map(|(head, _)| head) {
            Some("crate") => ("crate::", Vec::new()),
            Some("super") => ("super::", parent(path.to_vec())),
            Some("self") => ("self::", path.to_vec()),
            _ => ("", path.to_vec()),
        };
        for source in expand(&tree[head.len()..], base) {
            if let Some(name) = source.last() {
                exports.insert(name.clone(), source);
            }
        }
    }
    (kept, exports)
}
