//! What fuzzing has found, once more: every input kept in `fuzz/corpus/` runs
//! through its target, without the fuzzer. See docs/fuzzing.md.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

/// Longest time for all of it, so that `make test` stays fast.
const BUDGET: Duration = Duration::from_secs(60);

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = read.map(|entry| entry.expect("readable").path()).collect();
    entries.sort();
    entries
}

#[test]
fn every_kept_input_passes() {
    let start = Instant::now();
    let mut total = 0;
    for (name, run) in fuzz::TARGETS {
        let inputs = entries(&corpus().join(name));
        assert!(!inputs.is_empty(), "no corpus for {name}");
        for path in &inputs {
            // Shown when it fails.
            println!("{}", path.display());
            run(&fs::read(path).expect("readable"));
        }
        total += inputs.len();
    }
    assert!(total > 100, "only {total} inputs");
    assert!(start.elapsed() < BUDGET, "{:?}", start.elapsed());
}

/// A corpus without a target would never run, nor would a target that is not listed.
#[test]
fn corpora_and_targets_belong_together() {
    let names = |folder: &Path| -> Vec<String> {
        entries(folder)
            .iter()
            .map(|path| path.file_stem().expect("a name").to_string_lossy().into())
            .collect()
    };
    let mut listed: Vec<String> = fuzz::TARGETS
        .iter()
        .map(|(name, _)| (*name).into())
        .collect();
    listed.sort();
    assert_eq!(names(&corpus()), listed);
    assert_eq!(names(&corpus().with_file_name("fuzz_targets")), listed);
}

#[test]
fn no_input_at_all_passes() {
    for (_, run) in fuzz::TARGETS {
        run(&[]);
    }
}
