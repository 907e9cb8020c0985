//! What templates make of event data, and what is refused at load.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn scope() -> Scope {
    Scope::of_event(&json!({
        "type": "purchase",
        "session_id": null,
        "properties": {
            "first": "Ada", "last": "<Lovelace>", "value": 29.33, "whole": 30.0, "big": 1.0e20, "paid": true,
            "tags": ["a", "b"], "address": {"city": "Oslo"}, "long": "x".repeat(5000), "nothing": null,
        },
    }))
}

fn render(source: &str) -> Result<String, EvaluationError> {
    Template::compile(source, Variables::Event)
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .render(&scope())
}

fn text(source: &str) -> String {
    render(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn refusal(source: &str) -> String {
    Template::compile(source, Variables::Event).expect_err("it is refused").to_string()
}

#[test]
fn holes_are_filled_as_they_are() {
    assert_eq!(text("{{ event.properties.first }} {{ event.properties.last }}"), "Ada <Lovelace>");
    assert_eq!(text("{{ event.properties.value }}/{{ event.properties.whole }}"), "29.33/30");
    assert_eq!(text("{{ event.properties.whole / 3 }} {{ event.properties.paid }}"), "10 true");
    assert_eq!(text("{{ event.properties.tags | join('+') }} {{ event.properties.tags | length }}"), "a+b 2");
    assert_eq!(text("{{ event.properties.address.city | upper | replace('O', 'o') }}"), "oSLo");
    assert_eq!(text("plain text, {# nothing #}no holes"), "plain text, no holes");
}

#[test]
fn choices_and_loops_work() {
    assert_eq!(text("{% if event.properties.value > 20 %}much{% else %}little{% endif %}"), "much");
    assert_eq!(text("{% for tag in event.properties.tags %}{{ loop.index }}{{ tag }}{% endfor %}"), "1a2b");
    assert_eq!(text("{{ 'x' if event.type == 'purchase' else 'y' }}"), "x");
}

#[test]
fn a_missing_path_is_named_whole_and_null_is_missing() {
    let missing = |what: &str| Err(EvaluationError::Missing { what: what.into() });
    assert_eq!(
        render("{{ event.properties.first }} {{ event.properties.middle }}"),
        missing("event.properties.middle")
    );
    assert_eq!(render("{{ event.properties.nothing }}"), missing("event.properties.nothing"));
    assert_eq!(render("{{ event.session_id }}"), missing("event.session_id"));
    assert_eq!(render("{{ event.properties.a.b.c }}"), missing("event.properties.a.b.c"));
    assert_eq!(render("{% if event.properties.x %}a{% endif %}"), missing("event.properties.x"));
    assert_eq!(
        render("{{ event.properties.x | default('-') }}\n{{ event.properties.y }}"),
        missing("event.properties.y")
    );
    assert_eq!(render("{{ event.properties.tags[7] }}"), missing("a field in line 1 of the template"));
}

#[test]
fn a_default_takes_the_place_of_what_is_missing() {
    assert_eq!(text("{{ event.properties.middle | default('-') }}"), "-");
    assert_eq!(text("{% if event.properties.middle is defined %}a{% else %}b{% endif %}"), "b");
}

#[test]
fn what_has_no_text_is_refused_without_telling_it() {
    let failed = |reason: &str| Err(EvaluationError::Failed { reason: reason.into() });
    assert_eq!(
        render("{{ event.properties.tags }}"),
        failed(
            "line 1 of the template: a list cannot be filled in as a text; pick a field of it, or use join for a list"
        )
    );
    assert_eq!(
        render("\n{{ event.properties.address }}"),
        failed(
            "line 2 of the template: a map cannot be filled in as a text; pick a field of it, or use join for a list"
        )
    );
    assert_eq!(
        render("{{ event.properties.first - 1 }}"),
        failed("line 1 of the template: an operator or filter does not work on values of these types")
    );
}

#[test]
fn work_and_text_are_bounded() {
    let failed = |reason: &str| Err(EvaluationError::Failed { reason: reason.into() });
    let twice = "{{ event.properties.long }}{{ event.properties.long }}";
    assert_eq!(render(twice), failed("line 1 of the template: the text is longer than 8192 bytes"));
    let doubled = format!("{{{{ {} }}}}", vec!["event.properties.long"; 170].join(" ~ "));
    assert_eq!(render(&doubled), failed("line 1 of the template: filling the template takes too much work"));
    let repeated = "{{ event.properties.long * 100000000 }}";
    assert!(render(repeated).is_err());
}

#[test]
fn what_could_never_be_filled_is_refused_at_load() {
    assert_eq!(refusal(" \n"), "the template is empty");
    assert_eq!(
        refusal("a\n{{ evnt.type }}"),
        "unknown name evnt (in line 2): a template can use event; did you mean event?"
    );
    assert_eq!(
        refusal("{{ profile.traits.name }}"),
        "profile cannot be used here (line 1): a mapping sees the event only; decide about profiles in a workflow"
    );
    assert!(
        refusal("{{ event.type | shout }}").starts_with("unknown filter shout (in line 1); there are abs, ")
    );
    assert!(
        refusal("{{ event.type is odd }}").starts_with("unknown test odd (in line 1); there are defined, ")
    );
    assert!(refusal("{{ event.type").starts_with("not a template: "), "{}", refusal("{{ event.type"));
    for (source, what) in [
        ("{% set x = 1 %}{{ x }}", "set"),
        ("{% with x = 1 %}{{ x }}{% endwith %}", "with"),
        ("{{ range(10) }}", "a call"),
        ("{{ event.type.upper() }}", "a call"),
        ("{% for a in event.x recursive %}{% endfor %}", "a recursive loop"),
    ] {
        assert_eq!(refusal(source), format!("{what} cannot be used in a template (line 1)"));
    }
    for source in
        ["{% include 'x' %}", "{% macro m() %}{% endmacro %}", "{% extends 'x' %}", "{% import 'x' as y %}"]
    {
        assert!(refusal(source).starts_with("not a template: "), "{source}");
    }
    let long = "x".repeat(MAX_SOURCE_BYTES + 1);
    assert_eq!(Template::compile(&long, Variables::All).unwrap_err(), TemplateError::TooLong { bytes: 4097 });
}

#[test]
fn workflows_see_everything() {
    let now = "2024-05-01T12:00:00Z".parse().unwrap();
    let profile = json!({"traits": {"name": "Ada"}});
    let mut scope = Scope::new(&json!({"type": "a"}), &profile, &Value::Null, now);
    let template = Template::compile("{{ profile.traits.name }} {{ now }}", Variables::All).unwrap();
    assert_eq!(template.render(&scope).unwrap(), "Ada 2024-05-01T12:00:00Z");
    scope.set_profile(&json!({"traits": {"name": "Bob"}}));
    assert_eq!(template.render(&scope).unwrap(), "Bob 2024-05-01T12:00:00Z");
}

#[test]
fn the_deepest_templates_overflow_no_stack() {
    for (start, link, end) in [
        ("{{ 1", "+1", " }}"),
        ("{{ event", ".a", " }}"),
        ("{{ ", "(", " }}"),
        ("{{ ", "[", " }}"),
        ("", "{% if true %}", ""),
        ("{{ ", "not ", "1 }}"),
        ("{{ 1", "|abs", " }}"),
    ] {
        for links in [10, 100, 140, 1000, 4000 / link.len()] {
            if let Ok(template) =
                Template::compile(&format!("{start}{}{end}", link.repeat(links)), Variables::All)
            {
                let _ = template.render(&scope());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_sequence_of_template_words_panics(words in proptest::collection::vec(prop_oneof![
        Just("{{ "), Just(" }}"), Just("{% "), Just(" %}"), Just("if "), Just("endif"), Just("for x in "),
        Just("endfor"), Just("else"), Just("event.properties.tags"), Just("event.type"), Just("x"), Just("|"),
        Just("join"), Just("default('a')"), Just("+"), Just("~"), Just("*"), Just("("), Just(")"), Just("["),
        Just("]"), Just("1"), Just("'a'"), Just(" is "), Just("defined"), Just("{#"), Just("#}"), Just(":"),
    ], 0..16)) {
        if let Ok(template) = Template::compile(&words.concat(), Variables::Event) {
            let made = template.render(&scope());
            prop_assert!(made.is_err() || made.is_ok_and(|text| text.len() <= MAX_OUTPUT_BYTES));
        }
    }
}

#[test]
fn what_is_filled_into_an_address_stays_in_its_part() {
    let filled = |source: &str, name: &str| {
        let event = json!({"properties": {"name": name, "n": 1.5, "yes": true}});
        Template::compile_for_url(source, Variables::Event).unwrap().render(&Scope::of_event(&event)).unwrap()
    };
    let source = "https://example.com/a/{{ event.properties.name }}?n={{ event.properties.n }}&y={{ event.properties.yes }}";
    assert_eq!(filled(source, "A-z_0.~"), "https://example.com/a/A-z_0.~?n=1.5&y=true");
    assert_eq!(
        filled(source, "../x?y#z&ü %"),
        "https://example.com/a/..%2Fx%3Fy%23z%26%C3%BC%20%25?n=1.5&y=true"
    );
    let broken =
        Template::compile_for_url("https://example.com/{{ event.properties }}", Variables::Event).unwrap();
    assert!(broken.render(&Scope::of_event(&json!({"properties": {"a": 1}}))).is_err());
}
