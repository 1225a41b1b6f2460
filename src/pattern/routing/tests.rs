//! The subscription index against a naive model, and its cost.

#![forbid(unsafe_code)]

use super::prefix_tree::PrefixTree;
use super::subscriptions::{Filters, Removal, Subscriptions};
use crate::pipe::PipeId;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Topics that share prefixes often, with every kind of node: runs longer than
/// a label, and up to 256 children.
fn topic() -> impl Strategy<Value = Vec<u8>> {
    let short = prop::collection::vec(0u8..3, 0..6);
    let long = (0usize..3, 0usize..60).prop_map(|(byte, len)| vec![byte as u8; len]);
    let wide = any::<[u8; 2]>().prop_map(|bytes| bytes.to_vec());
    let mixed = (prop::collection::vec(0u8..2, 0..25), any::<u8>()).prop_map(|(mut run, byte)| {
        run.push(byte);
        run
    });
    prop_oneof![short, long, wide, mixed]
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<u8>, u32),
    Remove(Vec<u8>, u32),
    /// Removes one that exists, by its number.
    RemoveSome(usize),
    /// In slices of so many nodes.
    RemovePipe(u32, bool, usize),
    Match(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (topic(), 0u32..6).prop_map(|(topic, pipe)| Step::Add(topic, pipe)),
        2 => (topic(), 0u32..6).prop_map(|(topic, pipe)| Step::Remove(topic, pipe)),
        5 => any::<usize>().prop_map(Step::RemoveSome),
        1 => (0u32..6, any::<bool>(), 1usize..30)
            .prop_map(|(pipe, every, most)| Step::RemovePipe(pipe, every, most)),
        5 => topic().prop_map(Step::Match),
    ]
}

/// Every (topic, pipe), in order of topics.
type Model = BTreeSet<(Vec<u8>, u32)>;

fn has(model: &Model, topic: &[u8]) -> bool {
    model.iter().any(|(other, _)| other == topic)
}

fn remove(model: &mut Model, topic: &[u8], pipe: u32) -> Removal {
    match model.remove(&(topic.to_vec(), pipe)) {
        false => Removal::NotFound,
        true if has(model, topic) => Removal::Remaining,
        true => Removal::Last,
    }
}

fn apply(index: &mut Subscriptions, model: &mut Model, step: Step) {
    match step {
        Step::Add(topic, pipe) => {
            let first = !has(model, &topic);
            model.insert((topic.clone(), pipe));
            assert_eq!(index.add(&topic, PipeId(pipe)), first);
        }
        Step::Remove(topic, pipe) => {
            let expected = remove(model, &topic, pipe);
            assert_eq!(index.remove(&topic, PipeId(pipe)), expected);
        }
        Step::RemoveSome(number) if !model.is_empty() => {
            let (topic, pipe) = model.iter().nth(number % model.len()).unwrap().clone();
            let expected = remove(model, &topic, pipe);
            assert_eq!(index.remove(&topic, PipeId(pipe)), expected);
        }
        Step::RemoveSome(_) => {}
        Step::RemovePipe(pipe, every, most) => {
            let mut gone = Vec::new();
            let mut from = Some(Vec::new());
            while let Some(topic) = from {
                from = index.remove_pipe(PipeId(pipe), &topic, most, every, |topic| {
                    gone.push(topic.to_vec());
                });
            }
            let (leaving, staying): (Model, Model) =
                model.iter().cloned().partition(|(_, other)| *other == pipe);
            *model = staying;
            let mut expected = leaving
                .into_iter()
                .map(|(topic, _)| topic)
                .collect::<Vec<_>>();
            expected.retain(|topic| every || !has(model, topic));
            assert_eq!(gone, expected);
        }
        Step::Match(data) => {
            let mut got = Vec::new();
            index.visit(&data, |pipe| got.push(pipe.0));
            let matching = model.iter().filter(|(topic, _)| data.starts_with(topic));
            // One visit a topic, shortest first.
            let expected = matching.map(|(_, pipe)| *pipe).collect::<Vec<_>>();
            assert_eq!(got, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn subscriptions_behave_as_a_list(steps in prop::collection::vec(step(), 1..300)) {
        let mut index = Subscriptions::default();
        let mut model = Model::new();
        for step in steps {
            apply(&mut index, &mut model, step);
            let topics = model.iter().map(|(topic, _)| topic).collect::<BTreeSet<_>>();
            prop_assert_eq!(index.topics(), topics.len());
        }
        for pipe in 0..6 {
            apply(&mut index, &mut model, Step::RemovePipe(pipe, false, usize::MAX));
        }
        prop_assert_eq!(index.topics(), 0);
        index.visit(b"\0\0\0\0", |_| panic!("nothing is left"));
    }

    #[test]
    fn a_walk_begins_anywhere_and_goes_on_where_it_stopped(
        keys in prop::collection::btree_set(topic(), 0..200),
        from in topic(),
        most in 1usize..20,
    ) {
        let mut tree = PrefixTree::default();
        for (number, key) in keys.iter().enumerate() {
            tree.insert(key, number as u32);
        }
        let mut found = Vec::new();
        let mut next = Some(from.clone());
        while let Some(start) = next {
            next = tree.walk(&start, most, |key, _| found.push(key.to_vec()));
        }
        prop_assert_eq!(found, keys.range(from..).cloned().collect::<Vec<_>>());
    }

    #[test]
    fn filters_count(steps in prop::collection::vec((topic(), any::<bool>(), topic()), 1..200)) {
        let mut filters = Filters::default();
        let mut model = BTreeMap::<Vec<u8>, u32>::new();
        for (topic, add, data) in steps {
            if add {
                filters.add(&topic);
                *model.entry(topic).or_default() += 1;
            } else {
                let expected = match model.get_mut(&topic) {
                    None => Removal::NotFound,
                    Some(1) => {
                        model.remove(&topic);
                        Removal::Last
                    }
                    Some(count) => {
                        *count -= 1;
                        Removal::Remaining
                    }
                };
                prop_assert_eq!(filters.remove(&topic), expected);
            }
            let matches = model.keys().any(|topic| data.starts_with(topic));
            prop_assert_eq!(filters.matches(&data), matches);
        }
        let mut topics = Vec::new();
        filters.for_each(|topic| topics.push(topic.to_vec()));
        prop_assert_eq!(filters.topics(), topics.len());
        prop_assert_eq!(topics, model.into_keys().collect::<Vec<_>>());
    }
}

fn topics(count: usize) -> impl Iterator<Item = Vec<u8>> {
    // Scattered, so that neighbours in time are not neighbours in the tree.
    (0..count).map(move |number| {
        let scattered = number * 7_919 % count;
        format!("market/{}/instrument/{scattered:07}", scattered % 13).into_bytes()
    })
}

#[test]
fn a_topic_costs_few_bytes_and_gives_them_back() {
    let mut tree = PrefixTree::default();
    let count = 20_000;
    for (number, topic) in topics(count).enumerate() {
        tree.insert(&topic, number as u32);
    }
    assert_eq!(tree.len(), count);
    assert!(tree.memory() < 40 * count, "{}", tree.memory() / count);
    for topic in topics(count) {
        assert!(tree.remove(&topic).is_some());
    }
    // The root is all that is in use.
    assert_eq!(tree.nodes_in_use(), 1);
}

#[test]
fn nodes_without_purpose_are_merged() {
    let mut tree = PrefixTree::default();
    // More than one bucket takes: a node for each first letter, without a bucket.
    let letters = (b'A'..).take(65);
    for letter in letters.clone() {
        tree.insert(&[letter], 1);
    }
    assert_eq!(tree.nodes_in_use(), 1 + 65);
    // A bucket below one of them, and one that is cut in two.
    for key in ["Apple", "Ape"] {
        tree.insert(key.as_bytes(), 1);
    }
    assert_eq!(tree.nodes_in_use(), 1 + 65);
    for letter in letters {
        tree.remove(&[letter]);
    }
    assert_eq!(tree.nodes_in_use(), 2);
    tree.remove(b"Apple");
    assert_eq!(tree.nodes_in_use(), 2);
    tree.remove(b"Ape");
    assert_eq!(tree.nodes_in_use(), 1);
}

#[test]
fn a_bucket_is_divided_as_its_keys_part() {
    // Keys that share more than a label, and of which one is the others' prefix.
    let run = "a".repeat(50);
    let keys = (0..200).map(|number| format!("{run}{number:03}/and so on"));
    let keys = [run.clone(), format!("{run}0")].into_iter().chain(keys);
    let keys = keys.collect::<Vec<_>>();
    let mut tree = PrefixTree::default();
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(tree.insert(key.as_bytes(), number as u32), None);
        assert_eq!(
            tree.insert(key.as_bytes(), number as u32),
            Some(number as u32)
        );
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(tree.get(key.as_bytes()), Some(number as u32));
        let mut found = Vec::new();
        tree.prefixes(format!("{key}, it goes on").as_bytes(), |number| {
            found.push(number);
            true
        });
        let expected = (0..keys.len()).filter(|other| key.starts_with(&keys[*other]));
        assert!(expected.eq(found.into_iter().map(|number| number as usize)));
    }
    for key in &keys {
        assert!(tree.remove(key.as_bytes()).is_some());
        assert_eq!(tree.get(key.as_bytes()), None);
    }
    assert_eq!((tree.len(), tree.nodes_in_use()), (0, 1));
}

/// `cargo test --release -- --ignored --nocapture the_index_measured`
#[test]
#[ignore = "a measurement"]
fn the_index_measured() {
    for count in [1_000, 200_000, 1_000_000] {
        let mut tree = PrefixTree::default();
        let start = Instant::now();
        for (number, topic) in topics(count).enumerate() {
            tree.insert(&topic, number as u32);
        }
        let insert = start.elapsed() / count as u32;
        let messages = topics(count)
            .map(|topic| [topic, b"/quote".to_vec()].concat())
            .collect::<Vec<_>>();
        let start = Instant::now();
        let mut hits = 0;
        for message in &messages {
            tree.prefixes(message, |_| {
                hits += 1;
                true
            });
        }
        let matching = start.elapsed() / count as u32;
        assert_eq!(hits, count);
        let bytes = tree.memory() / count;
        println!("{count} topics: {bytes} bytes, insert {insert:?}, match {matching:?} each");
    }
}
