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
    let low = |node: &str| {
        let graph = graph(vec![target(node)]);
        (0..1000)
            .filter(|number| {
                let profile_id = tributary_model::ProfileId::new(format!("p{number}")).unwrap();
                let case = Case { profile_id, ..Case::default() };
                let port = case.run(&graph).records[0].port.clone();
                assert_eq!(port, case.run(&graph).records[0].port);
                port.as_deref() == Some("low")
            })
            .collect::<Vec<_>>()
    };
    let (one, other) = (low("one"), low("other"));
    assert!((250..350).contains(&one.len()), "{}", one.len());
    let both = one.iter().filter(|number| other.contains(number)).count();
    assert!((60..120).contains(&both), "nodes decide each for itself: {both}");
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
            turn.remember(json!(turn.remembered().cloned()));
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
