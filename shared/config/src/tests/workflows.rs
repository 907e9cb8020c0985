//! What workflows become: graphs of nodes.

use tributary_model::TenantId;

use super::{SOURCE, load};

#[test]
fn steps_become_a_chain_of_nodes() {
    let workflow = "kind: Workflow\nname: w\nspec:\n  trigger: {events: [seen], consents: [mail]}\n  steps:\n    \
                    - {name: first, then: [{path: traits.a, op: set, value: 1}]}\n    \
                    - then: [{path: traits.b, op: set, value: 1}]\n    - {name: last, emit: [{type: done}]}\n";
    let config = load(&[("web.yaml", SOURCE), ("a.yaml", workflow)]).unwrap();
    let workflow = &config.tenant(&TenantId::new("default").unwrap()).unwrap().workflows[0];
    let shown = |index: usize| {
        let node = &workflow.graph.nodes()[index];
        let to: Vec<_> = node.to.iter().map(|edge| (edge.port.as_str(), edge.to)).collect();
        (node.name.as_str(), node.node.kind(), to)
    };
    assert_eq!(shown(0), ("first", "step", vec![("done", 1)]));
    assert_eq!(shown(1), ("step-2", "step", vec![("done", 2)]));
    assert_eq!(shown(2), ("last", "step", vec![]));
    assert_eq!(workflow.graph.start(), [0]);
    assert_eq!(workflow.triggered().consents, ["mail"]);
}

#[test]
fn nodes_lead_where_they_say_in_each_of_its_forms() {
    let nodes = "kind: Workflow\nname: w\nspec:\n  trigger: {events: \"*\"}\n  start: [a, b]\n  nodes:\n    \
                 - {name: a, if: 'true', to: c}\n    - {name: b, if: 'true', to: [c, d]}\n    \
                 - {name: c, if: 'true', to: {yes: d, no: [d, e], error: e}}\n    \
                 - {name: d, join: {}}\n    - name: e\n      for_each:\n        items: event.properties.items\n        \
                 nodes: [{name: f, if: 'true', to: g}, {name: g, stop: {}}]\n";
    let config = load(&[("web.yaml", SOURCE), ("a.yaml", nodes)]).unwrap_or_else(|errors| panic!("{errors}"));
    let graph = &config.tenant(&TenantId::new("default").unwrap()).unwrap().workflows[0].graph;
    let edges = |node: usize| {
        let edges = graph.nodes()[node].to.iter();
        edges.map(|edge| format!("{} {}", edge.port, graph.nodes()[edge.to].name)).collect::<Vec<_>>()
    };
    assert_eq!(graph.start(), [0, 1]);
    assert_eq!([edges(0), edges(1)], [vec!["yes c"], vec!["yes c", "yes d"]]);
    assert_eq!(edges(2), ["error e", "no d", "no e", "yes d"]);
    assert!(graph.nodes()[3].joins && !graph.nodes()[4].joins);
    let body = &graph.nodes()[5];
    assert_eq!((body.name.as_str(), body.body_of, body.begins_body), ("f", Some(4), true));
    assert_eq!((graph.nodes()[6].body_of, graph.nodes()[6].begins_body), (Some(4), false));
}

#[test]
fn what_is_behind_a_node_is_tried_on_the_examples_that_come_there() {
    // The value is no number where the kind is not shop, and behind both branches nobody knows which one it was.
    let schema = "kind: Schema\nname: seen\nspec:\n  events: seen\n  properties: {type: object}\n  examples:\n    \
                  - properties: {kind: shop, value: 11}\n    - properties: {kind: blog, value: much}\n";
    let workflow = |last: &str| {
        format!(
            "kind: Workflow\nname: w\nspec:\n  trigger: {{events: [seen]}}\n  nodes:\n    \
             - {{name: kind, if: event.properties.kind == 'shop', to: {{yes: shop, no: blog}}}}\n    \
             - {{name: shop, set: {{traits.a: {{expr: event.properties.value + 1}}}}, to: more}}\n    \
             - {{name: more, switch: [{{port: big, when: event.properties.value > 10}}], to: last}}\n    \
             - {{name: blog, add_segment: blog, to: last}}\n    - {{name: last, {last}}}\n"
        )
    };
    let said =
        |last: &str| match load(&[("web.yaml", SOURCE), ("a.yaml", schema), ("b.yaml", &workflow(last))]) {
            Ok(_) => String::new(),
            Err(errors) => errors.to_string(),
        };
    assert_eq!(said("if: event.properties.kind == 'shop'"), "");
    assert!(
        said("if: event.properties.value > 1").contains("example 2"),
        "{}",
        said("if: event.properties.value > 1")
    );
}
