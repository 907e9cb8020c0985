use crate::tests::load;

const SOURCE: &str = "kind: Source\nname: web\nspec:\n  write_keys: [{env: WEB_KEY}]\n";

fn warnings(documents: &str) -> Vec<String> {
    let config = load(&[("web.yaml", SOURCE), ("a.yaml", documents)]).expect("suspicious is not wrong");
    config.warnings.iter().map(ToString::to_string).collect()
}

fn mapping(name: &str, events: &str) -> String {
    format!(
        "---\nkind: Mapping\nname: {name}\nspec:\n  events: {events}\n  changes: [{{path: {name}.x, op: unset}}]\n"
    )
}

fn schema(event: &str, properties: &str) -> String {
    format!("---\nkind: Schema\nname: {event}\nspec:\n  events: {event}\n  properties: {properties}\n")
}

#[test]
fn a_type_that_is_nearly_one_of_a_schema_is_told_at_its_place() {
    let documents = schema("purchase", "{type: object}") + &mapping("points", "[review, purchse]");
    assert_eq!(
        warnings(&documents),
        ["a.yaml:11:20: Mapping points: no Schema is about event type purchse; did you mean purchase?"
            .to_string()]
    );
}

#[test]
fn a_type_that_is_nearly_one_of_most_others_is_told() {
    let documents = ["one", "two", "three"].map(|name| mapping(name, "purchase")).concat();
    assert_eq!(
        warnings(&(documents.clone() + &mapping("four", "purchases"))),
        ["a.yaml:23:11: Mapping four: no other document names event type purchases; did you mean purchase?"]
    );
    assert_eq!(warnings(&(documents + &mapping("four", "review"))), [""; 0]);
}

#[test]
fn types_that_differ_in_numbers_or_are_made_and_awaited_are_meant() {
    let made = "---\nkind: Workflow\nname: w\nspec:\n  trigger: {events: review}\n  steps:\n    - emit: [{type: purchased}]\n";
    let documents = schema("purchase", "{type: object}") + &schema("step1", "{type: object}");
    let documents = documents + &mapping("a", "purchased") + &mapping("b", "step2") + made;
    assert_eq!(warnings(&documents), [""; 0]);
}

#[test]
fn a_type_that_is_waited_for_or_looked_for_is_told_too() {
    let nodes = "---\nkind: Workflow\nname: w\nspec:\n  trigger: {events: purchase}\n  nodes:\n    \
                 - {name: a, wait_for: {event: reviw, within: 1h}, to: b}\n    \
                 - {name: b, count: {events: [purchse], within: 1h}}\n";
    let documents = schema("purchase", "{type: object}") + &schema("review", "{type: object}") + nodes;
    assert_eq!(
        warnings(&documents),
        [
            "a.yaml:19:35: Workflow w: no Schema is about event type reviw; did you mean review?",
            "a.yaml:20:34: Workflow w: no Schema is about event type purchse; did you mean purchase?",
        ]
    );
}

#[test]
fn words_that_are_nearly_keywords_are_told_wherever_schemas_are() {
    let documents = schema(
        "purchase",
        "{type: object, requird: [value], x-owner: shop, properties: {requird: {maxLenght: 3}}, anyOf: [{minimun: 1}]}",
    );
    assert_eq!(
        warnings(&documents),
        [
            "a.yaml:6:30: Schema purchase: `requird` is no keyword of JSON Schema and asks nothing of events; did you \
             mean required?",
            "a.yaml:6:86: Schema purchase: `maxLenght` is no keyword of JSON Schema and asks nothing of events; did you \
             mean maxLength?",
            "a.yaml:6:111: Schema purchase: `minimun` is no keyword of JSON Schema and asks nothing of events; did you \
             mean minimum?",
        ]
    );
}

#[test]
fn fields_beside_the_keywords_are_told() {
    assert_eq!(
        warnings(&schema("purchase", "{value: {type: number}}")),
        [
            "a.yaml:6:16: Schema purchase: `value` is no keyword of JSON Schema and asks nothing of events; a field is \
             described below `properties` of its schema"
        ]
    );
}

#[test]
fn operands_that_are_nearly_made_are_told_and_literals_are_meant() {
    let nodes = "kind: Workflow\nname: w\nspec:\n  trigger: {events: seen}\n  nodes:\n    - name: a\n      respond:\n        \
                 x: {exp: event.id}\n        y: {tempalte: \"{{ event.id }}\"}\n        \
                 z: {deep: [1, {expr: event.id}]}\n        \
                 fine: {expr: event.id}\n        plain: {price: 7}\n        list: [{a: 1, b: {c: 2}}]\n";
    assert_eq!(
        warnings(nodes),
        [
            "a.yaml:8:12: Workflow w: x: this object stands for itself; did you mean expr?",
            "a.yaml:9:12: Workflow w: y: this object stands for itself; did you mean template?",
            "a.yaml:10:12: Workflow w: z: expr stands within a value here, which stands for itself; a whole operand is made: \
             compute the value with one expr",
        ]
    );
}
