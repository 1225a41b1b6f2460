//! docs/handshakes.md names each loom model that there is, and no other.

use super::File;
use super::text::{body, functions};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The complaints about a list, given the names of all models.
fn check(list: &str, models: &BTreeSet<String>) -> Vec<String> {
    let named = named(list);
    let gone = named.difference(models);
    let missing = models.difference(&named);
    gone.map(|name| format!("{name} is listed and is no model"))
        .chain(missing.map(|name| format!("{name} is a model and is not listed")))
        .collect()
}

/// The names in the column of models.
fn named(list: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut column = None;
    for line in list.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        match cells.iter().position(|cell| *cell == "models") {
            Some(place) => column = Some(place),
            None if !line.starts_with('|') => column = None,
            None => {
                let cell = column.and_then(|place| cells.get(place)).unwrap_or(&"");
                names.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
            }
        }
    }
    names
}

/// The files in the second column that are not there.
fn missing_files(list: &str, root: &Path) -> Vec<String> {
    let rows = list.lines().filter(|line| line.starts_with('|'));
    let files = rows.filter_map(|row| row.split('|').nth(2)?.split('`').nth(1));
    files
        .filter(|file| !root.join(file).is_file())
        .map(str::to_owned)
        .collect()
}

/// The tests in the modules called `models` that loom alone compiles.
fn models(files: &[File]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        let begin = file.code.find("mod models {").filter(|begin| {
            let before = file.code[..*begin].trim_end();
            before.ends_with("#[cfg(all(test, loom))]")
        });
        let code = match begin {
            Some(begin) => body(&file.code[begin + "mod models {".len()..]),
            None if file.path.last().is_some_and(|name| name == "models") => &file.code,
            None => continue,
        };
        let tests = functions(code).into_iter().filter(|(name, ..)| {
            let place = code.find(&format!("fn {name}(")).unwrap_or(0);
            code[..place].trim_end().ends_with("#[test]")
        });
        names.extend(tests.map(|(name, ..)| name));
    }
    names
}

#[test]
fn the_list_of_handshakes_names_each_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(root.join("docs/handshakes.md")).unwrap();
    let models = models(&super::read_tree(&root.join("src")));
    assert!(models.len() > 30, "{models:?}");
    let complaints = check(&list, &models);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    assert_eq!(missing_files(&list, root), Vec::<String>::new());
}

#[test]
fn models_that_are_gone_or_new_are_found() {
    let list =
        "| a | file | models |\n| --- | --- | --- |\n| x | `f` | `one` `two` |\n\n| `no` | |\n";
    let models = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert!(check(list, &models(&["one", "two"])).is_empty());
    let gone = ["two is listed and is no model"];
    assert_eq!(check(list, &models(&["one"])), gone);
    let new = ["three is a model and is not listed"];
    assert_eq!(check(list, &models(&["one", "two", "three"])), new);
    assert_eq!(missing_files(list, Path::new("/")), ["f"]);
}
