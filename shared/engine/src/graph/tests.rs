use super::*;
use crate::node::Step;
use crate::turn::Turn;

#[derive(Debug)]
struct Nothing;

impl Node for Nothing {
    fn kind(&self) -> &'static str {
        "nothing"
    }

    fn enter(&self, _: &mut Turn<'_, '_>) -> Step {
        Step::Stop
    }
}

/// `name: port=target,target port=target`, and `each/name` for a node of a body.
fn graph(nodes: &[&str], start: &[&str]) -> Result<Graph, Vec<String>> {
    let target = |text: &&str| {
        let (name, to) = text.split_once(':').unwrap_or((text, ""));
        let (body_of, name) = name.split_once('/').map_or((None, name), |(each, name)| (Some(each), name));
        let edge = |edge: &str| {
            let (port, to) = edge.split_once('=').unwrap();
            (port.to_string(), to.split(',').map(str::to_string).collect())
        };
        let body_of = body_of.map(str::to_string);
        let to = to.split_whitespace().map(edge).collect();
        Target { name: name.to_string(), node: Arc::new(Nothing), joins: false, body_of, to }
    };
    let start: Vec<String> = start.iter().map(ToString::to_string).collect();
    Graph::new(nodes.iter().map(target).collect(), &start)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn names(graph: &Graph, indices: &[usize]) -> Vec<String> {
    indices.iter().map(|index| graph.nodes()[*index].name.clone()).collect()
}

#[test]
fn nodes_come_behind_what_leads_to_them_and_otherwise_as_they_are_written() {
    let nodes = ["a: done=d,c", "b: done=c", "c: done=e", "d: done=e", "e"];
    let graph = graph(&nodes, &["b", "a"]).unwrap();
    assert_eq!(names(&graph, graph.order()), ["a", "b", "c", "d", "e"]);
    assert_eq!(names(&graph, graph.start()), ["b", "a"]);
    let graph = super::tests::graph(&["a: done=c yes=b", "b", "c: done=b"], &[]).unwrap();
    assert_eq!(names(&graph, graph.order()), ["a", "c", "b"]);
    assert_eq!(names(&graph, graph.start()), ["a"]);
}

#[test]
fn a_body_begins_with_its_first_node_and_is_reached_through_its_for_each() {
    let graph = graph(&["each: done=after", "each/x: done=y", "each/y", "after"], &[]).unwrap();
    assert_eq!(names(&graph, graph.order()), ["each", "after"]);
    let each = &graph.nodes()[0];
    assert_eq!(names(&graph, &each.body), ["x", "y"]);
    assert!(graph.nodes()[1].begins_body && !graph.nodes()[2].begins_body);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = graph(&["a: done=b no=nowhere", "a", "b: done=c", "c: done=b,d", "d: done=d"], &["z", "a"]);
    assert_eq!(
        wrong.unwrap_err(),
        [
            "two nodes are called a",
            "a leads to nowhere, which is no node of this workflow",
            "start: z is no node of this workflow",
            "nodes lead in a circle: b -> c -> b",
            "nodes lead in a circle: d -> d",
        ]
    );
}

#[test]
fn edges_stay_inside_of_a_body_and_outside_of_it() {
    let wrong = graph(&["a: done=x", "each: done=after", "each/x: done=after", "after"], &["a", "each", "x"]);
    assert_eq!(
        wrong.unwrap_err(),
        [
            "a leads to x, which is no node outside of a for_each",
            "x leads to after, which is no node beside it in the same for_each",
            "start: x is no node of this workflow",
        ]
    );
    let nested = graph(&["each", "each/inner", "inner/x", "gone/y"], &[]);
    assert_eq!(
        nested.unwrap_err(),
        [
            "x leads to inner, which is no node outside of a for_each",
            "y leads to gone, which is no node of this workflow",
        ]
    );
}

#[test]
fn a_node_that_nothing_leads_to_is_refused_once_and_what_only_it_leads_to_is_not() {
    let refusal = |name: &str| {
        [format!("nothing leads to {name}: let a node lead to it with `to`, or name it under `start`")]
    };
    assert_eq!(graph(&["a", "b: done=c", "c"], &[]).unwrap_err(), refusal("b"));
    assert_eq!(graph(&["a", "each", "each/x"], &[]).unwrap_err(), refusal("each"));
    let in_body = "nothing leads to y: let a node of the same for_each lead to it with `to`";
    assert_eq!(graph(&["each", "each/x", "each/y"], &[]).unwrap_err(), [in_body]);
    assert!(graph(&["a", "b: done=c", "c"], &["a", "b"]).is_ok());
    assert!(graph(&[], &[]).is_ok());
}
