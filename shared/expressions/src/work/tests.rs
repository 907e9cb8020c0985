//! No expression takes long, whatever it is given.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{EvaluationError, Expression, Scope};

fn evaluate(source: &str, properties: Value) -> Result<Value, EvaluationError> {
    let scope = Scope::of_event(&json!({"properties": properties}));
    let expression = Expression::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let began = Instant::now();
    let outcome = expression.evaluate(&scope);
    if std::env::var("SHOW_TIMES").is_ok() {
        eprintln!("{:>8} us {source}", began.elapsed().as_micros());
    }
    outcome
}

fn too_much() -> Result<Value, EvaluationError> {
    let reason = "a list or text is too long for this expression: it would take too much work";
    Err(EvaluationError::Failed { reason: reason.to_string() })
}

fn hostile() -> Value {
    json!({
        "n": (0..4_000).collect::<Vec<_>>(),
        "t": vec!["x"; 3_000],
        "long": "a".repeat(100_000),
        "longs": vec!["a".repeat(10_000); 20],
        "deep": vec![vec![0; 100]; 200],
        "o": (0..5_000).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>(),
    })
}

#[test]
fn what_would_take_long_is_given_up() {
    for source in [
        "event.properties.n.all(x, event.properties.n.all(y, y == y))",
        "event.properties.n.exists(x, event.properties.n.exists(y, y < 0.0))",
        "event.properties.n.exists(x, event.properties.n == event.properties.n && false)",
        "event.properties.n.exists(x, event.properties == event.properties && false)",
        "event.properties.n.exists(x, -1.0 in event.properties.n)",
        "event.properties.n.exists(x, event + 1 == 2)",
        "event.properties.n.exists(x, event < event)",
        "event.properties.n.exists(x, event.?properties.hasValue() && false)",
        "event.properties.n.exists(x, event.properties[?'n'].hasValue() && false)",
        "event.properties.n.exists(x, optional.of(event.properties).hasValue() && false)",
        "event.properties.n.exists(x, dyn(event) == 1)",
        "event.properties.t.exists(x, size(event.properties.long) == 1)",
        "event.properties.t.exists(x, event.properties.long.contains('b'))",
        "event.properties.t.exists(x, event.properties.long.matches('a*b'))",
        "event.properties.t.exists(x, event.properties.long + event.properties.long == 'b')",
        "event.properties.t.exists(x, [event.properties.n].size() == 2)",
        "event.properties.t.exists(x, {'a': event.properties.n}.size() == 2)",
        "event.properties.t.map(x, event.properties.n)",
        "event.properties.t.map(x, x).map(x, event.properties.t).map(x, x.map(y, event.properties.t))",
        "event.properties.deep.map(x, event.properties.deep).all(x, x.all(y, y.size() > 0))",
        "event.properties.o.map(x, event.properties.o.map(y, y)).size()",
        "event.properties.t.map(x, event.properties.longs).size()",
        "event.properties.t.exists(x, string(event.properties.long) == 'b')",
        "[1, 2].all(x, event.properties.n.all(y, event.properties.n[y] == event.properties.n[y] || true)) || true ? event.properties.n.all(x, event.properties.n.all(y, true)) : true",
    ] {
        let began = Instant::now();
        assert_eq!(evaluate(source, hostile()), too_much(), "{source}");
        // Unoptimised and on a busy machine.
        assert!(began.elapsed().as_secs() < 5, "{source}");
    }
}

#[test]
fn a_sum_that_doubles_does_not_grow_for_ever() {
    let doubled = |times: usize| {
        (0..times).fold("event.properties.long".to_string(), |sum, _| format!("[{sum}].map(x, x + x)[0]"))
    };
    assert_eq!(
        evaluate(&format!("size({})", doubled(8)), hostile()).map(|_| ()),
        Err(too_much().expect_err(""))
    );
    assert_eq!(evaluate(&format!("size({})", doubled(2)), json!({"long": "ab"})), Ok(json!(8)));
}

#[test]
fn the_limit_holds_where_cel_forgives_an_error() {
    let source = "true || event.properties.n.all(x, event.properties.n.all(y, true))";
    assert_eq!(evaluate(source, hostile()), Ok(json!(true)), "what is not evaluated costs nothing");
    let source = "event.properties.n.all(x, event.properties.n.all(y, true)) || true";
    assert_eq!(evaluate(source, hostile()), too_much());
}

#[test]
fn all_evaluations_of_an_event_are_bounded_together() {
    let scope = Scope::of_event(&json!({"properties": hostile()}));
    let source =
        "event.properties.t.all(x, event.properties.o['k1'] == 1 && event.properties.t[2] == x && x != 'y')";
    let expression = Expression::compile(source).unwrap();
    let outcomes: Vec<bool> = (0..400).map(|_| expression.evaluate(&scope).is_ok()).collect();
    assert!(outcomes[0] && !outcomes[399], "took {} steps", scope.steps_taken());
    assert!(outcomes.is_sorted_by(|a, b| a >= b), "what comes first is evaluated");
    let reason = expression.evaluate(&scope).unwrap_err().to_string();
    assert!(reason.contains("together"), "{reason}");
}

#[test]
fn what_is_shown_in_place_of_something_else_costs_what_it_takes_and_may_be_counted_anew() {
    let (many, other) = (json!({"n": vec![1; 6_000]}), json!({"n": [2]}));
    let expression = Expression::compile("event.n[0]").unwrap();
    let mut scope = Scope::of_event(&json!({}));
    scope.allow(10_000);
    scope.set_event(&many);
    assert!(scope.steps_left() < 4_000);
    assert_eq!(expression.evaluate(&scope), Ok(json!(1)));
    scope.set_event(&many);
    assert_eq!(scope.steps_left(), 0);
    let reason = expression.evaluate(&scope).unwrap_err().to_string();
    assert!(reason.contains("together"), "{reason}");
    scope.set_event(&other);
    assert!(Expression::compile("1").unwrap().evaluate(&scope).is_err(), "also what costs next to nothing");
    scope.allow(100);
    assert_eq!(expression.evaluate(&scope), Ok(json!(2)));
    scope.charge_shown();
    assert!(scope.steps_left() < 98);
}

#[test]
fn ordinary_lists_are_no_matter() {
    let items: Vec<Value> =
        (0..1_000).map(|n| json!({"sku": format!("sku-{n}"), "price": n, "tags": ["a", "b"]})).collect();
    let of = |source| evaluate(source, json!({"items": items, "wanted": ["sku-3", "sku-4"], "name": "Ada"}));
    assert_eq!(
        of("event.properties.items.filter(i, i.price > 997).map(i, i.sku)"),
        Ok(json!(["sku-998", "sku-999"]))
    );
    assert_eq!(
        of("event.properties.items.exists(i, i.sku in event.properties.wanted && i.price * 2 > 7)"),
        Ok(json!(true))
    );
    assert_eq!(
        of("event.properties.items.filter(i, event.properties.wanted.exists(w, w == i.sku)).size()"),
        Ok(json!(2))
    );
    assert_eq!(
        of("event.properties.items.all(i, i.sku.matches('^sku-[0-9]+$') && 'a' in i.tags)"),
        Ok(json!(true))
    );
    let numbers: Vec<u32> = (0..10_000).collect();
    assert_eq!(evaluate("event.properties.n.exists(n, n == 9999)", json!({"n": numbers})), Ok(json!(true)));
    let few: Vec<u32> = (0..100).collect();
    assert_eq!(
        evaluate("event.properties.n.all(x, event.properties.n.exists(y, x == y))", json!({"n": few})),
        Ok(json!(true))
    );
}

#[test]
fn patterns_are_read_when_configuration_is() {
    let refusal = |source| Expression::compile(source).expect_err("it is refused").to_string();
    assert_eq!(
        refusal("event.type.matches(event.properties.pattern)"),
        "matches: the pattern must be written out, as in matches('^[a-z]+$')"
    );
    assert_eq!(refusal("event.type.matches('(a')"), "matches: unclosed group");
    assert_eq!(refusal(r"event.type.matches('(\\w{500}){500}')"), "matches: the pattern is too large");
    let nine = ["event.type.matches('a')"; 9].join(" || ");
    assert_eq!(refusal(&nine), "matches: at most 8 patterns may be used in one expression");
    assert_eq!(evaluate("matches('abc', '^b') || 'abc'.matches('c$')", json!({})), Ok(json!(true)));
    assert_eq!(
        evaluate("matches(1, 'a')", json!({})).map_err(|error| error.to_string()),
        Err("matches does not work on number, string".to_string())
    );
}
