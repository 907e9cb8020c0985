//! What holds for every workflow: over random graphs of nodes that decide, change, make, ask, wait, fail and stop.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;
use tributary_model::{IntentOp, State, Time};

use super::{BEGIN, Case, Do, changes, node, through, told, triggered};
use crate::*;

/// A node: what it is, and for each of its two ports the nodes behind it that it leads to, as bits.
type Drawn = (u8, u16, u16);

/// Graphs of up to ten nodes, some of them with a body of up to four; nodes are written in any order.
fn graphs(ordinary: bool) -> impl Strategy<Value = Graph> {
    let kinds = if ordinary { 0..10_u8 } else { 0..12_u8 };
    let drawn = proptest::collection::vec((kinds, any::<u16>(), any::<u16>()), 1..10);
    let body = proptest::collection::vec((0..7_u8, any::<u16>(), any::<u16>()), 1..4);
    (drawn, body, any::<u64>()).prop_map(|(drawn, body, shuffle)| made(&drawn, &body, shuffle))
}

fn made(drawn: &[Drawn], body: &[Drawn], mut shuffle: u64) -> Graph {
    let mut nodes = Vec::new();
    let mut led_to = BTreeSet::new();
    for (index, (kind, first, second)) in drawn.iter().enumerate() {
        let name = |index: usize| name("", drawn[index].0, index);
        let to = ways(drawn.len(), index, *first & *second, !*first & *second, &mut led_to, name);
        nodes.push(node(&name(index), &to, &acts(*kind, index)));
        if *kind == 9 {
            let mut inner = BTreeSet::new();
            let inside = |at: usize| super::laws::name(&format!("b{index}"), body[at].0, at);
            for (at, (kind, first, second)) in body.iter().enumerate() {
                let mut to = ways(body.len(), at, *first, *second, &mut inner, inside);
                // Each leads to the next one at least, so that all can be reached.
                if at + 1 < body.len() && !inner.contains(&(at + 1)) {
                    inner.insert(at + 1);
                    to.push_str(&format!(" b={}", inside(at + 1)));
                }
                nodes.push(node(&format!("{}/{}", name(index), inside(at)), &to, &acts(*kind, at)));
            }
        }
    }
    let start: Vec<String> = (0..drawn.len())
        .filter(|index| !led_to.contains(index))
        .map(|index| name("", drawn[index].0, index))
        .collect();
    // Bodies stay behind each other in order: they begin with the first of their nodes.
    let mut keys: Vec<u64> = Vec::new();
    for target in &nodes {
        shuffle = shuffle.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        keys.push(if target.body_of.is_some() { u64::MAX } else { shuffle >> 32 });
    }
    let mut keyed: Vec<_> = keys.into_iter().zip(nodes).collect();
    keyed.sort_by_key(|(key, _)| *key);
    Graph::new(keyed.into_iter().map(|(_, node)| node).collect(), &start).unwrap()
}

fn name(prefix: &str, kind: u8, index: usize) -> String {
    format!("{}{prefix}n{index}", if kind == 6 { "join" } else { "" })
}

fn ways(
    count: usize,
    index: usize,
    first: u16,
    second: u16,
    led_to: &mut BTreeSet<usize>,
    name: impl Fn(usize) -> String,
) -> String {
    let mut to = String::new();
    for (ports, bits) in [(["a", "done"], first), (["b", "error"], second)] {
        for target in (index + 1..count).filter(|target| bits >> (target % 16) & 1 == 1) {
            led_to.insert(target);
            ports.iter().for_each(|port| to.push_str(&format!(" {port}={}", name(target))));
        }
    }
    to
}

fn acts(kind: u8, index: usize) -> Vec<Do> {
    let count = Do::Change("interests.all", IntentOp::Increment, json!(index + 1));
    match kind {
        0 => vec![count, Do::Leave("a")],
        1 => vec![Do::Emit("made"), Do::Respond("x", json!(index)), Do::Leave("b")],
        2 => vec![count, Do::Error(None)],
        3 => vec![Do::Remember(json!(index)), Do::Call, count, Do::Emit("told"), Do::LeaveAsTold],
        4 => vec![
            Do::Emit("before"),
            Do::Wait(Some(10 * (1 + index as u64 % 3)), None),
            Do::Emit("after"),
            count,
        ],
        5 => vec![Do::Wait(Some(15), Some(("pay", "true"))), count, Do::Leave("a")],
        6 => vec![Do::Deliver("d")],
        7 | 8 => vec![Do::Change("way", IntentOp::Set, json!(index)), Do::Leave("b")],
        9 => vec![Do::Each(json!([1, 2, 3][..1 + index % 3]))],
        10 => vec![Do::Fail],
        _ => vec![Do::Stop],
    }
}

/// One run from its event to its end, by way of all its pauses. Where it is `interrupted`, the process dies after each answer
/// that was kept, and states are kept as JSON.
fn live(graph: &Graph, interrupted: bool) -> Vec<RunOutcome> {
    let begun = Case::default();
    let start = || begun.handling(Vec::new(), vec![triggered("w", graph)]);
    let mut segments = vec![segment(start, interrupted)];
    let mut profile = State::default();
    loop {
        assert!(segments.len() <= 100, "it never ends");
        let last = segments.last().unwrap();
        changes(std::slice::from_ref(last)).for_each(|change| profile.apply(change));
        let Ending::Paused { until, events } = &last.ending else { return segments };
        let until = until.unwrap();
        let paused = || match interrupted {
            true => begun.paused(graph, last),
            false => PausedRun { state: last.state.clone(), ..begun.paused(graph, last) },
        };
        // Every other time an event comes first, where one is waited for.
        let comes = !events.is_empty() && segments.len() % 2 == 0;
        let now = if comes { Time::from_micros(until.as_micros() - 1) } else { until };
        let case = Case { profile: profile.clone(), now, event_type: "pay", id: "pay", ..Case::default() };
        let next = || match comes {
            true => case.handling(vec![paused()], Vec::new()),
            false => Handling::of_timer(case.ground(), paused(), 1),
        };
        let next = segment(next, interrupted);
        segments.push(next);
    }
}

fn segment<'a>(begin: impl Fn() -> Handling<'a>, interrupted: bool) -> RunOutcome {
    let mut journal: BTreeMap<String, Answer> = BTreeMap::new();
    let mut rounds = 0..100 * MAX_CALLS;
    'process: loop {
        let mut handling = begin();
        loop {
            assert!(rounds.next().is_some(), "it never ends");
            let wanted = match handling.proceed() {
                Proceeding::Finished(mut finished) => return finished.runs.remove(0),
                Proceeding::Calls { wanted, .. } => wanted,
            };
            if interrupted && let Some(new) = wanted.iter().find(|wanted| !journal.contains_key(&wanted.key))
            {
                journal.insert(new.key.clone(), told(&new.key));
                continue 'process;
            }
            let answer = |wanted: &Wanted| {
                (wanted.node.clone(), journal.get(&wanted.key).cloned().unwrap_or_else(|| told(&wanted.key)))
            };
            handling.answer(wanted.iter().map(answer).collect(), BEGIN);
        }
    }
}

/// Where each node was entered and left, as places in the record, by node and item.
#[derive(Default)]
struct Way {
    entered: BTreeMap<(String, usize), usize>,
    left: BTreeMap<(String, usize), (usize, String)>,
}

fn way(segments: &[RunOutcome]) -> Way {
    let mut way = Way::default();
    for (at, record) in segments.iter().flat_map(|run| &run.records).enumerate() {
        let key = (record.node.clone(), record.item);
        // An error, which is told instead, comes at once in these graphs.
        if matches!(record.why.as_deref(), Some("entered" | "it cannot be done")) {
            assert_eq!(way.entered.insert(key.clone(), at), None, "{key:?} is entered twice");
        }
        if let Some(port) = &record.port {
            assert_eq!(way.left.insert(key.clone(), (at, port.clone())), None, "{key:?} is left twice");
        }
    }
    way
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_is_interrupted_anywhere_does_the_same_down_to_every_id(graph in graphs(false)) {
        let once = live(&graph, false);
        prop_assert_eq!(&once, &live(&graph, false));
        prop_assert_eq!(&once, &live(&graph, true));
    }

    #[test]
    fn ids_are_unique_over_all_commits_of_a_run(graph in graphs(true)) {
        let segments = live(&graph, false);
        let mut ids = BTreeSet::new();
        for run in &segments {
            let keys = run.deliveries.iter().map(|delivery| delivery.key.clone());
            let emits = run.emits.iter().map(|emit| emit.id.to_string());
            for id in run.changes.iter().map(|change| change.id.to_string()).chain(emits).chain(keys) {
                prop_assert!(ids.insert(id.clone()), "{} again", id);
            }
        }
    }

    #[test]
    fn every_node_to_which_a_way_leads_is_entered_once_and_a_join_behind_all_of_them(graph in graphs(true)) {
        let segments = live(&graph, false);
        if let Ending::Failed(_) = segments.last().unwrap().ending {
            return Ok(());
        }
        let way = way(&segments);
        for (index, placed) in graph.nodes().iter().enumerate() {
            let items = match placed.body_of {
                None => 0..=0,
                Some(each) => 1..=way.entered.keys().filter(|(name, _)| *name == placed.name).count()
                    .max(usize::from(way.entered.contains_key(&(graph.nodes()[each].name.clone(), 0)))),
            };
            for item in items {
                let ways: Vec<usize> = graph.nodes().iter().flat_map(|from| {
                    let left = way.left.get(&(from.name.clone(), item));
                    let edges = from.to.iter().filter(move |edge| {
                        edge.to == index && left.is_some_and(|(_, port)| *port == edge.port)
                    });
                    edges.map(move |_| left.unwrap().0)
                }).collect();
                let begins = match placed.body_of {
                    None => graph.start().contains(&index),
                    Some(each) => placed.begins_body
                        && way.entered.contains_key(&(graph.nodes()[each].name.clone(), 0)),
                };
                let entered = way.entered.get(&(placed.name.clone(), item));
                prop_assert_eq!(entered.is_some(), begins || !ways.is_empty(), "{} {}", placed.name, item);
                let Some(at) = entered else { continue };
                let first = ways.iter().min();
                prop_assert!(begins || first.is_some_and(|first| first < at));
                prop_assert!(!placed.joins || ways.iter().all(|left| left < at), "{} came too early", placed.name);
            }
        }
    }

    #[test]
    fn a_failing_run_leaves_the_board_as_it_was(graph in graphs(false)) {
        let fine = super::graph(vec![
            node("a", "yes=b no=b", &[Do::Respond("y", json!(1)), Do::Emit("fine"), Do::If("profile.interests.all > 3")]),
            node("b", "", &[Do::Change("interests.all", IntentOp::Increment, json!(2)), Do::Deliver("d")]),
        ]);
        let failing = super::graph(vec![node("z", "", &[Do::Change("interests.all", IntentOp::Increment, json!(5)), Do::Fail])]);
        let case = Case::default();
        let over = |workflows: &[(&'static str, &Graph)]| {
            let triggered = workflows.iter().map(|(name, graph)| triggered(name, graph)).collect();
            through(case.handling(Vec::new(), triggered))
        };
        let with = over(&[("a", &fine), ("b", &graph), ("c", &failing), ("d", &fine)]);
        let failed = matches!(with.runs[1].ending, Ending::Failed(_));
        let without = if failed { over(&[("a", &fine), ("d", &fine)]) } else { over(&[("a", &fine), ("b", &graph), ("d", &fine)]) };
        let ended = with.runs.iter().filter(|run| !matches!(run.ending, Ending::Failed(_)));
        prop_assert_eq!(ended.collect::<Vec<_>>(), without.runs.iter().collect::<Vec<_>>());
        prop_assert_eq!(with.response, without.response);
        for run in with.runs.iter().filter(|run| matches!(run.ending, Ending::Failed(_))) {
            prop_assert!(run.changes.is_empty() && run.emits.is_empty() && run.deliveries.is_empty());
        }
    }

    #[test]
    fn no_event_makes_more_than_the_limits_allow(graphs in proptest::collection::vec(graphs(true), 1..8)) {
        let named: Vec<(&str, &Graph)> = graphs.iter().map(|graph| ("w", graph)).collect();
        let runs = Case::default().runs(&named);
        prop_assert!(changes(&runs).count() <= MAX_CHANGES);
        prop_assert!(runs.iter().map(|run| run.emits.len()).sum::<usize>() <= MAX_EMITS);
        prop_assert!(runs.iter().map(|run| run.deliveries.len()).sum::<usize>() <= MAX_DELIVERIES);
        for run in &runs {
            prop_assert!(run.state.steps <= MAX_STEPS && run.state.calls <= MAX_CALLS);
        }
    }
}
