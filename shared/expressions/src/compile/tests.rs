//! What is refused at load, and that nothing ends the process.

use proptest::prelude::*;

use super::*;
use crate::scope::tests_support::scope;
use crate::{Condition, Expression};

fn refusal(source: &str) -> ExpressionError {
    Compiled::compile(source, Variables::All).expect_err("it is refused")
}

fn unknown(name: &str) -> ExpressionError {
    ExpressionError::UnknownName { name: name.into(), variables: Variables::All }
}

#[test]
fn what_sees_the_event_only_is_told_where_profiles_belong() {
    let refusal =
        |source| Compiled::compile(source, Variables::Event).expect_err("it is refused").to_string();
    assert_eq!(
        refusal("profile.purchases.count > 1"),
        "profile cannot be used here: a mapping sees the event only; decide about profiles in a workflow"
    );
    assert_eq!(
        refusal("evnt.type == 'a'"),
        "unknown name evnt: an expression can use event; did you mean event?"
    );
    assert!(Condition::compile_with("event.properties.value > 0", Variables::Event).is_ok());
}

#[test]
fn unknown_names_and_functions_are_refused_at_load() {
    assert_eq!(refusal("profle.count > 1"), unknown("profle"));
    assert_eq!(refusal("lower(event.type)"), ExpressionError::UnknownFunction { name: "lower".into() });
    assert_eq!(refusal("[1].exists(x, y > 1)"), unknown("y"));
    assert_eq!(refusal("@add(1, 2)").to_string().split(':').next(), Some("not a CEL expression"));
}

#[test]
fn every_function_of_the_library_is_known() {
    for source in [
        "size('a') == 1 && 'a'.size() == 1 && [1].size() == 1 && size({}) == 0",
        "'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.matches('^a')",
        "int('1') + int(1.0) == 2 && double('1') == 1 && uint(1) == 1u && string(1) == '1'",
        "bool('true') && dyn(1) == 1 && bytes('a') == b'a' && type(1) == int",
        "timestamp('2024-05-01T12:00:00Z').getFullYear() == 2024 && duration('1h').getMinutes() == 60",
        "now.getMonth() == 4 && now.getDayOfMonth() == 0 && now.getDate() == 1 && now.getDayOfWeek() == 3",
        "now.getDayOfYear() == 121 && now.getSeconds() == 0 && now.getMilliseconds() == 0",
        "optional.of(1).hasValue() && optional.none().orValue(2) == 2 && optional.of(1).value() == 1",
        "optional.ofNonZeroValue(0).or(optional.of(3)).value() == 3",
        "[1, 2].all(x, x > 0) && [1, 2].exists(x, x > 1) && [1, 2].exists_one(x, x > 1)",
        "[1, 2].map(x, x + 1) == [2, 3] && [1, 2].filter(x, x > 1) == [2]",
    ] {
        let condition = Condition::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(condition.evaluate(&scope()), crate::Verdict::True, "{source}");
    }
}

#[test]
fn text_that_is_not_cel_says_where() {
    let ExpressionError::Syntax { line, column, .. } = refusal("1 +\n  ) 2") else {
        panic!("a syntax error")
    };
    assert_eq!((line, column), (2, 3));
    assert_eq!(refusal("  \n"), ExpressionError::Empty);
}

#[test]
fn length_is_bounded() {
    let long = format!("'{}' == ''", "x".repeat(MAX_SOURCE_BYTES));
    assert_eq!(refusal(&long), ExpressionError::TooLong { bytes: long.len() });
}

#[test]
fn two_macros_may_be_nested_and_three_may_not() {
    let two = "[1].exists(x, [x].exists(y, y > 0))";
    assert!(Condition::compile(two).is_ok());
    let three = "[1].exists(x, [x].exists(y, [y].all(z, z > 0)))";
    assert_eq!(refusal(three), ExpressionError::NestedMacros { limit: 2 });
    let chain = format!("[1]{}", ".map(x, x)".repeat(9));
    assert_eq!(refusal(&chain), ExpressionError::TooManyMacros { limit: 8 });
}

#[test]
fn the_deepest_texts_neither_overflow_the_parser_nor_the_interpreter() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{1: ", "}"), ("size([", "])"), ("!(", ")"), ("-(", ")")] {
        for levels in [4, 8, 16, 24, 31, 32, 33, 400] {
            let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            evaluate_if_it_compiles(&text);
            evaluate_if_it_compiles(&open.repeat(levels));
        }
    }
    for (start, link) in [
        ("1", "+1"),
        ("event", ".a"),
        ("event", "[0]"),
        ("1", "<1"),
        ("true", "&&true"),
        ("event", ".size()"),
        ("event", ".?a"),
        ("true", "?true:true"),
    ] {
        for links in [15, 31, 32, 100, 4000 / link.len()] {
            evaluate_if_it_compiles(&format!("{start}{}", link.repeat(links)));
        }
    }
}

/// On a stack of 2 MiB, which is what worker threads have.
fn evaluate_if_it_compiles(text: &str) {
    if let Ok(expression) = Expression::compile(text) {
        let _ = expression.evaluate(&scope());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_panics(text in "[a-z(){}\\[\\]'\"?:.,!&|<>=+*/%0-9 -]{0,40}") {
        evaluate_if_it_compiles(&text);
    }

    #[test]
    fn no_sequence_of_cel_words_panics(words in proptest::collection::vec(prop_oneof![
        Just("event"), Just("profile.a"), Just("now"), Just("."), Just("?"), Just(":"), Just("("), Just(")"),
        Just("["), Just("]"), Just("{"), Just("}"), Just("1"), Just("'a'"), Just("&&"), Just("=="), Just("+"),
        Just("-"), Just("!"), Just("in"), Just("has("), Just(".map(x, "), Just(".exists(x, "), Just("x"),
        Just("size("), Just(","), Just("optional.of("), Just(".orValue("), Just("b'a'"), Just("1u"), Just(".?a"),
    ], 0..14)) {
        evaluate_if_it_compiles(&words.concat());
    }
}
