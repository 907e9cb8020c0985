//! What is told of a run.

use serde_json::json;
use tributary_model::IntentOp;

use super::{Case, Do, graph, node};

#[test]
fn values_are_recorded_where_details_are_asked_for_and_nowhere_else() {
    let graph = graph(vec![
        node(
            "a",
            "done=b",
            &[Do::Change("plan", IntentOp::Set, json!("gold")), Do::Compute("event.properties.value * 2")],
        ),
        node("b", "", &[Do::If("memory.a > 5 && profile.plan == 'gold' && has(profile.gone)")]),
    ]);
    let run = |details| Case { details, ..Case::with(json!({"value": 3})) }.run(&graph).records;
    let told = run(true);
    assert_eq!(json!(told[0].saw), json!({"event.properties.value": 3}));
    assert_eq!(told[0].output, Some(json!(6)));
    assert_eq!(json!(told[1].saw), json!({"memory.a": 6, "profile.plan": "gold"}));
    assert!(run(false).iter().all(|record| record.saw.is_empty() && record.output.is_none()));
}

#[test]
fn large_values_are_described_and_not_copied() {
    let items: Vec<u32> = (0..5000).collect();
    let deep = (0..40).fold(json!(1), |value, _| json!([value]));
    let case =
        Case { details: true, ..Case::with(json!({"items": items, "deep": deep, "text": "x".repeat(9000)})) };
    let ask = "size(event.properties.items) + size(event.properties.deep) + size(event.properties.text) > 0";
    let graph = graph(vec![
        node("a", "yes=b", &[Do::If(ask)]),
        node("b", "", &[Do::Compute("event.properties.items")]),
    ]);
    let run = case.run(&graph);
    assert_eq!(
        json!(run.records[0].saw),
        json!({
            "event.properties.items": "(a list of more than 8192 bytes)",
            "event.properties.deep": "(a list that is too deep to be shown)",
            "event.properties.text": "(a text of more than 8192 bytes)",
        })
    );
    assert_eq!(run.records[1].output, Some(json!("(a list of more than 8192 bytes)")));
}

#[test]
fn a_share_is_the_same_for_a_profile_and_even_over_many() {
    use crate::{Node, Step, Target, Turn};
    use std::sync::Arc;

    #[derive(Debug)]
    struct Share;
    impl Node for Share {
        fn kind(&self) -> &'static str {
            "share"
        }
        fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
            let share = turn.share();
            assert!((0.0..1.0).contains(&share));
            Step::Leave(if share < 0.3 { "low".into() } else { "high".into() })
        }
    }
    let target = |name: &str| Target {
        name: name.into(),
        node: Arc::new(Share),
        joins: false,
        body_of: None,
        to: Default::default(),
    };
    let low = |workflow: &str, node: &str| {
        let graph = graph(vec![target(node)]);
        (0..1000)
            .filter(|number| {
                let profile_id = tributary_model::ProfileId::new(format!("p{number}")).unwrap();
                let case = Case { profile_id, ..Case::default() };
                let run = || case.runs(&[(workflow, &graph)]).remove(0).records.remove(0).port;
                let port = run();
                assert_eq!(port, run());
                port.as_deref() == Some("low")
            })
            .collect::<Vec<_>>()
    };
    let one = low("w", "one");
    assert!((250..350).contains(&one.len()), "{}", one.len());
    for other in [low("w", "other"), low("x", "one")] {
        let both = one.iter().filter(|number| other.contains(number)).count();
        assert!((60..120).contains(&both), "nodes decide each for itself, in each workflow: {both}");
    }
}

#[test]
fn other_events_are_looked_at_in_place_of_the_runs_own() {
    use crate::{Node, Step, Target, Turn};
    use tributary_expressions::{Expression, Variables};

    #[derive(Debug)]
    struct Look;
    impl Node for Look {
        fn kind(&self) -> &'static str {
            "look"
        }
        fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
            let source = "event.properties.value + memory.first";
            let sum = Expression::compile_with(source, Variables::Run).unwrap();
            turn.remember(json!(turn.remembered().cloned())).unwrap();
            let past = [1, 2].map(|value| json!({"properties": {"value": value}}));
            let found = turn.over(past, |scope| sum.evaluate(scope).unwrap());
            assert_eq!(found, [json!(11), json!(12)]);
            assert_eq!(turn.compute(&sum), Ok(json!(13)), "its own is shown again");
            Step::Leave("done".into())
        }
    }
    let look = Target { node: std::sync::Arc::new(Look), ..node("look", "", &[]) };
    let graph = graph(vec![node("first", "done=look", &[Do::Remember(json!(10))]), look]);
    assert_eq!(Case::with(json!({"value": 3})).run(&graph).ending, crate::Ending::Done);
}
