//! The subscription index against a naive model, and its cost.

#![forbid(unsafe_code)]

use super::prefix_tree::{PrefixTree, Text};
use super::subscriptions::{Filters, LONG_TOPIC, Removal, Subscriptions};
use crate::message::Msg;
use crate::pipe::PipeId;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
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
    prop_oneof![4 => short, 4 => long, 4 => wide, 4 => mixed, 1 => huge()]
}

/// Around the lengths at which a topic leaves a bucket and becomes a long one, with
/// much in common.
fn huge() -> impl Strategy<Value = Vec<u8>> {
    let border = prop_oneof![
        Just(19),
        Just(255),
        Just(1000),
        Just(LONG_TOPIC),
        Just(9000)
    ];
    let tail = prop::collection::vec(0u8..3, 0..3);
    (0u8..2, border, 0usize..4, tail).prop_map(|(byte, border, more, tail)| {
        let mut run = vec![byte; border + more - 2];
        run.extend(tail);
        run
    })
}

fn text(topic: &[u8]) -> Arc<Text> {
    Text::of(Msg::copy_from(&[b"\x01", topic].concat()).unwrap(), 1)
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<u8>, u32),
    /// The same, with a topic that can be shared.
    AddText(Vec<u8>, u32),
    Remove(Vec<u8>, u32),
    /// Removes one that exists, by its number.
    RemoveSome(usize),
    /// In slices of so many topics.
    RemovePipe(u32, bool, usize),
    Match(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (topic(), 0u32..6).prop_map(|(topic, pipe)| Step::Add(topic, pipe)),
        4 => (topic(), 0u32..6).prop_map(|(topic, pipe)| Step::AddText(topic, pipe)),
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
        Step::AddText(topic, pipe) => {
            let first = !has(model, &topic);
            model.insert((topic.clone(), pipe));
            assert_eq!(index.add_text(&text(&topic), PipeId(pipe)), first);
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
            let mut forward = |topic: &[u8], text: Option<&Arc<Text>>| {
                assert_eq!(text.is_some(), topic.len() > LONG_TOPIC);
                gone.push(topic.to_vec());
            };
            while !index.remove_pipe(PipeId(pipe), most, every, &mut forward) {}
            let (leaving, staying): (Model, Model) =
                model.iter().cloned().partition(|(_, other)| *other == pipe);
            *model = staying;
            let mut expected = leaving
                .into_iter()
                .map(|(topic, _)| topic)
                .collect::<Vec<_>>();
            expected.retain(|topic| every || !has(model, topic));
            // Short ones in order, then long ones in any.
            let short = gone.partition_point(|topic| topic.len() <= LONG_TOPIC);
            gone[short..].sort();
            expected.sort_by_key(|topic| topic.len() > LONG_TOPIC);
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
    fn the_first_keys_are_told_in_order(
        keys in prop::collection::btree_set(topic(), 0..200),
        most in 0usize..250,
    ) {
        let mut tree = PrefixTree::default();
        for (number, key) in keys.iter().enumerate() {
            tree.insert(key, number as u32);
        }
        let mut found = Vec::new();
        tree.first(most, |key, _| found.push(key.to_vec()));
        prop_assert_eq!(found, keys.iter().take(most).cloned().collect::<Vec<_>>());
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

/// A topic of megabytes is kept once, and goes without a trace; what others share with
/// it is theirs afterwards.
#[test]
fn a_long_topic_is_kept_once() {
    let mut tree = PrefixTree::default();
    let long = text(&vec![b'a'; 10 << 20]);
    tree.update_text(&long, |_| 1);
    assert_eq!(Arc::strong_count(&long), 2, "the tree refers to it");
    // Others that part from it, in every order of length, and one that extends it.
    let others: Vec<_> = [20, 1000, 70, 5000, 30, 300_000, 25, 9_000_000]
        .map(|shared| text(&[&long.bytes()[..shared], b"b"].concat()))
        .into();
    for other in &others {
        tree.update_text(other, |_| 2);
    }
    let behind = text(&[long.bytes(), &[b'c'; 10]].concat());
    tree.update_text(&behind, |_| 3);
    assert!(tree.nodes_in_use() < 4 * others.len());
    for (topic, number) in others
        .iter()
        .map(|topic| (topic, 2))
        .chain([(&long, 1), (&behind, 3)])
    {
        assert_eq!(tree.get(topic.bytes()), Some(number));
    }
    let mut matches = Vec::new();
    tree.prefixes(behind.bytes(), |number| {
        matches.push(number);
        true
    });
    assert_eq!(matches, [1, 3]);
    assert_eq!(tree.remove(behind.bytes()), Some(3));
    assert_eq!(tree.remove(long.bytes()), Some(1));
    assert_eq!(Arc::strong_count(&long), 1, "nothing refers to it");
    let lengths = others
        .iter()
        .map(|topic| topic.bytes().len())
        .sum::<usize>();
    assert!(tree.memory() < 2 * lengths);
    for other in &others {
        assert_eq!(tree.remove(other.bytes()), Some(2));
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
