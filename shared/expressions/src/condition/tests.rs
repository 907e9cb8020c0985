//! What conditions mean over event data.

use crate::scope::tests_support::scope;
use crate::{Condition, Verdict};

fn verdict(source: &str) -> Verdict {
    Condition::compile(source).unwrap_or_else(|error| panic!("{source}: {error}")).evaluate(&scope())
}

fn missing(what: &str) -> Verdict {
    Verdict::Missing { what: what.into() }
}

fn failed(reason: &str) -> Verdict {
    Verdict::Failed { reason: reason.into() }
}

#[test]
fn numbers_compare_whether_they_are_whole_or_not() {
    for source in [
        "event.properties.value > 0",
        "event.properties.value > 29",
        "event.properties.value < 29.34",
        "event.properties.whole > 0",
        "event.properties.whole == 30",
        "event.properties.whole == 30.0",
        "event.properties.whole >= 29.5",
        "0 < event.properties.whole",
        "event.properties.whole in [10, 20, 30]",
        "profile.purchases.count >= 3 && profile.purchases.total < 100",
        "int(profile.purchases.count) % 3 == 0",
        "event.properties.tags[0] == 'a'",
    ] {
        assert_eq!(verdict(source), Verdict::True, "{source}");
    }
    assert_eq!(verdict("event.properties.whole > 30"), Verdict::False);
}

#[test]
fn a_missing_path_is_named_whole() {
    assert_eq!(verdict("profile.purchases.largest > 5"), missing("profile.purchases.largest"));
    assert_eq!(verdict("profile.loyalty.points > 5"), missing("profile.loyalty.points"));
    assert_eq!(verdict("session.id == 'x'"), missing("session.id"));
    assert_eq!(
        verdict("event.properties.value > 1 && event.context.page == 'x'"),
        missing("event.context.page")
    );
    assert_eq!(verdict("event.properties.name.first == 'x'"), missing("event.properties.name.first"));
}

#[test]
fn a_null_field_is_a_missing_one() {
    assert_eq!(verdict("event.properties.nothing > 1"), missing("event.properties.nothing"));
    assert_eq!(verdict("has(event.properties.nothing)"), Verdict::False);
}

#[test]
fn absence_can_be_asked_for() {
    assert_eq!(verdict("has(profile.segments.loyal) && profile.segments.loyal"), Verdict::True);
    assert_eq!(verdict("!has(profile.segments.big)"), Verdict::True);
    assert_eq!(verdict("profile.?loyalty.?points.orValue(0) == 0"), Verdict::True);
    assert_eq!(verdict("profile.nothing > 1 || event.type == 'purchase'"), Verdict::True);
}

#[test]
fn a_result_that_is_no_boolean_fails_and_says_so() {
    assert_eq!(
        verdict("event.properties.value"),
        failed("a condition must give true or false, this one gives a number")
    );
    assert_eq!(verdict("now"), failed("a condition must give true or false, this one gives a timestamp"));
}

#[test]
fn failures_name_types_and_never_values() {
    assert_eq!(verdict("event.properties.name > 1"), failed("> does not work on string, number"));
    assert_eq!(verdict("event.properties.name + 1 > 1"), failed("+ does not work on a string and a number"));
    assert_eq!(verdict("int(event.properties.name) > 1"), failed("the function int refused its argument"));
}

#[test]
fn time_is_what_the_scope_says() {
    assert_eq!(verdict("now == timestamp('2024-05-01T12:00:00Z')"), Verdict::True);
    assert_eq!(verdict("now - timestamp('2024-05-01T00:00:00Z') < duration('24h')"), Verdict::True);
    assert_eq!(verdict("now.getHours() == 12"), Verdict::True);
}

#[test]
fn a_profile_can_be_replaced_between_evaluations() {
    let condition = Condition::compile("profile.purchases.count > 3").expect("it compiles");
    let mut scope = scope();
    assert_eq!(condition.evaluate(&scope), Verdict::False);
    scope.set_profile(&serde_json::json!({"purchases": {"count": 4}}));
    assert!(condition.evaluate(&scope).holds());
}
