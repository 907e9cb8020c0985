//! Documents within the limits of an Apply, a megabyte and two thousand of them, that were written to take for ever, or more
//! memory than there is. That each test ends is what it shows; how long it took is printed.

use std::fmt::Write;
use std::time::Instant;

use tributary_config::{Config, ConfigErrors, Document};

const MEGABYTE: usize = 1 << 20;

fn document(kind: &str, name: &str, spec: &str) -> Document {
    let text = format!("kind: {kind}\nname: {name}\nspec:\n{spec}");
    Document {
        tenant: "default".into(),
        kind: kind.into(),
        name: name.into(),
        file: format!("{kind}-{name}.yaml"),
        line: 1,
        text,
    }
}

fn source() -> Document {
    document("Source", "web", "  write_keys: [{env: TRIBUTARY_WRITE_KEY_WEB}]\n")
}

/// Checks as many documents as an Apply may have, and says what came of it.
fn checked(what: &str, documents: impl Iterator<Item = Document>) -> Result<Config, ConfigErrors> {
    let mut bytes = 0;
    let fits = |document: &Document| {
        bytes += document.text.len();
        bytes < MEGABYTE
    };
    let documents: Vec<Document> =
        std::iter::once(source()).chain(documents).take(2000).take_while(fits).collect();
    let began = Instant::now();
    let outcome = Config::from_documents(&documents);
    let took = began.elapsed();
    let said = outcome.as_ref().err().map(|errors| {
        let first = errors.errors().first().map(ToString::to_string).unwrap_or_default();
        format!("{} errors, first: {}", errors.errors().len(), first.chars().take(160).collect::<String>())
    });
    println!("{what}: {} documents, {:?}, {}", documents.len(), took, said.unwrap_or_else(|| "fine".into()));
    outcome
}

fn example(parts: usize) -> String {
    let list: Vec<String> = (0..parts).map(|n| n.to_string()).collect();
    format!("    - properties: {{n: [{}]}}\n", list.join(","))
}

fn schemas(count: usize, examples: usize, parts: usize) -> impl Iterator<Item = Document> {
    (0..count).map(move |n| {
        let mut spec = format!("  events: e{n}\n  properties: {{}}\n  examples:\n");
        (0..examples).for_each(|_| spec.push_str(&example(parts)));
        document("Schema", &format!("s{n}"), &spec)
    })
}

fn mappings(count: usize, rules: usize, expression: &'static str) -> impl Iterator<Item = Document> {
    (0..count).map(move |n| {
        let types: Vec<String> = (0..20).map(|n| format!("e{n}")).collect();
        let mut spec = format!("  events: [{}]\n  changes:\n", types.join(", "));
        for rule in 0..rules {
            writeln!(spec, "    - {{path: m{n}.r{rule}, op: set, expr: \"{expression}\"}}").unwrap();
        }
        document("Mapping", &format!("m{n}"), &spec)
    })
}

#[test]
fn many_examples_for_many_expressions_are_too_many() {
    let all = "event.properties.n.all(x, event.properties.n.exists(y, x == y))";
    for (what, examples, parts, rules, count, expression) in [
        ("loops over many examples", 20, 80, 40, 50, all),
        ("many small ones", 20, 1, 40, 200, "event.properties.n"),
        ("large results", 2, 2_000, 20, 40, "event.properties.n.map(x, x)"),
    ] {
        let documents = schemas(20, examples, parts).chain(mappings(count, rules, expression));
        let errors = checked(what, documents).expect_err("it is refused");
        assert!(!errors.errors().is_empty());
    }
}

#[test]
fn many_documents_of_one_kind_are_checked_soon() {
    let _ = checked(
        "tiny mappings",
        (0..).map(|n| {
            document(
                "Mapping",
                &format!("m{n}"),
                &format!("  events: e\n  changes: [{{path: a{n}, op: set, value: 1}}]\n"),
            )
        }),
    );
    let _ = checked(
        "mappings of one register",
        (0..).map(|n| {
            document("Mapping", &format!("m{n}"), "  events: e\n  changes: [{path: a, op: set, value: 1}]\n")
        }),
    );
    let _ = checked(
        "tiny schemas",
        (0..).map(|n| document("Schema", &format!("s{n}"), &format!("  events: e{n}\n  properties: {{}}\n"))),
    );
    let types: Vec<String> = (0..70).map(|n| format!("type_{n}")).collect();
    let _ = checked(
        "schemas of many types",
        (0..).map(|n| {
            let own: Vec<String> = types.iter().map(|name| format!("{name}_{n}")).collect();
            document(
                "Schema",
                &format!("s{n}"),
                &format!("  events: [{}]\n  properties: {{}}\n", own.join(",")),
            )
        }),
    );
    let _ = checked(
        "workflows in a row",
        (0..).map(|n| {
            let spec = format!("  trigger: {{events: e{n}}}\n  steps: [{{emit: [{{type: e{}}}]}}]\n", n + 1);
            document("Workflow", &format!("w{n}"), &spec)
        }),
    );
    let _ = checked(
        "workflows in a circle",
        (0..).map(|n| {
            let spec = format!("  trigger: {{events: '*'}}\n  steps: [{{emit: [{{type: e{n}}}]}}]\n");
            document("Workflow", &format!("w{n}"), &spec)
        }),
    );
    let _ = checked(
        "sources and workflows that name them",
        (0..).map(|n| match n % 2 {
            0 => document(
                "Source",
                &format!("s{n}"),
                &format!("  write_keys: [{{env: TRIBUTARY_WRITE_KEY_{n}}}]\n"),
            ),
            _ => {
                let spec = format!(
                    "  trigger: {{events: e{n}, sources: [s{}]}}\n  steps: [{{emit: [{{type: e{}}}]}}]\n",
                    n - 1,
                    n + 2
                );
                document("Workflow", &format!("w{n}"), &spec)
            }
        }),
    );
    let _ = checked("paths that nothing writes", (0..).map(|n| {
        let spec = format!("  trigger: {{events: e, condition: \"profile.some_path_or_other_{n} == 1\"}}\n  steps: [{{then: [{{op: set, path: some_path_or_others_{n}x, value: 1}}]}}]\n");
        document("Workflow", &format!("w{n}"), &spec)
    }));
    let _ = checked("sources that are not there", (0..).map(|n| {
        document("Mapping", &format!("m{n}"), &format!("  events: e\n  sources: [some_source_or_other_{n}]\n  changes: [{{path: a{n}, op: set, value: 1}}]\n"))
    }));
    let _ = checked(
        "declared paths",
        (0..20).map(|n| {
            let mut spec = "  fields:\n".to_string();
            (0..1500).for_each(|path| writeln!(spec, "    f{n}.p{path}: counter").unwrap());
            document("Fields", &format!("f{n}"), &spec)
        }),
    );
}

#[test]
fn hostile_schemas_are_checked_soon() {
    let _ = checked(
        "large patterns",
        (0..).map(|n| {
            let patterns: Vec<String> =
                (0..400).map(|p| format!("p{p}: {{pattern: '\\w{{{}}}'}}", 20 + p % 50)).collect();
            document(
                "Schema",
                &format!("s{n}"),
                &format!("  events: e{n}\n  properties: {{properties: {{{}}}}}\n", patterns.join(", ")),
            )
        }),
    );
    let _ = checked(
        "deep schemas",
        (0..).map(|n| {
            let spec =
                format!("  events: e{n}\n  properties: {}{{}}{}\n", "{not: ".repeat(10), "}".repeat(10));
            document("Schema", &format!("s{n}"), &spec)
        }),
    );
    let _ = checked(
        "large schemas",
        (0..).map(|n| {
            let properties: Vec<String> =
                (0..1500).map(|p| format!("p{p}: {{type: string, maxLength: 5}}")).collect();
            document(
                "Schema",
                &format!("s{n}"),
                &format!("  events: e{n}\n  properties: {{properties: {{{}}}}}\n", properties.join(", ")),
            )
        }),
    );
}

#[test]
fn hostile_yaml_is_refused_soon() {
    let deep = format!("  events: e\n  properties: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(checked("deep YAML", std::iter::once(document("Schema", "s", &deep))).is_err());
    let deep = format!("  events: e\n  properties: {}1\n", "{a: ".repeat(50_000));
    assert!(checked("deep YAML of objects", std::iter::once(document("Schema", "s", &deep))).is_err());
    let mut bomb = "  events: e\n  properties: {}\n  examples:\n    - properties:\n        a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string();
    for n in 1..12 {
        let before = vec![format!("*a{}", n - 1); 9].join(", ");
        writeln!(bomb, "        a{n}: &a{n} [{before}]").unwrap();
    }
    assert!(checked("an alias bomb", std::iter::once(document("Schema", "s", &bomb))).is_err());
    let many: Vec<Document> = (0..1900)
        .map(|n| {
            let mut spec =
                "  events: e\n  changes:\n    - &a {path: a, op: set, value: [1,2,3,4,5,6,7,8,9]}\n"
                    .to_string();
            (0..60).for_each(|_| spec.push_str("    - *a\n"));
            document("Mapping", &format!("m{n}"), &spec)
        })
        .collect();
    let _ = checked("many aliases", many.into_iter());
}

/// A workflow of as many nodes as there may be.
fn graph(name: usize, node: impl Fn(usize) -> String) -> Document {
    let nodes: String = (0..128).map(|n| format!("    - {{name: n{n}, {}}}\n", node(n))).collect();
    document("Workflow", &format!("w{name}"), &format!("  trigger: {{events: [e0]}}\n  nodes:\n{nodes}"))
}

#[test]
fn many_nodes_and_ways_are_checked_soon() {
    let named =
        |nodes: &mut dyn Iterator<Item = usize>| nodes.map(|n| format!("n{n}")).collect::<Vec<_>>().join(",");
    let cases: String =
        (0..32).map(|n| format!("{{port: p{n}, when: event.properties.n == {n}}},")).collect();
    let next = |n: usize| if n < 127 { format!(", to: {{otherwise: n{}}}", n + 1) } else { String::new() };
    let switches = (0..).map(|name| graph(name, |n| format!("switch: [{cases}]{}", next(n))));
    let _ = checked("what is behind thousands of conditions", schemas(1, 20, 10).chain(switches));

    let behind = |n: usize| named(&mut (n + 1..128));
    let fan = |n: usize| {
        format!("if: event.properties.n == {n}, to: {{yes: [{}], no: [{}]}}", behind(n), behind(n))
    };
    let fans = (0..).map(|name| graph(name, fan));
    let _ = checked("everything leads to everything behind it", schemas(1, 20, 10).chain(fans));

    let nowhere: String = (0..700).map(|n| format!("m{n},")).collect();
    let nowhere = (0..).map(|name| graph(name, |_| format!("if: 'true', to: [{nowhere}]")));
    let _ = checked("ways that lead nowhere", nowhere);

    let others = |n: usize| named(&mut (0..128).filter(move |to| *to != n));
    let circles = (0..).map(|name| graph(name, |n| format!("if: 'true', to: [{}]", others(n))));
    let _ = checked("circles", circles);

    let pattern = |n: usize| {
        format!("regex_extract: {{from: event.id, pattern: '(\\w{{4}}){{3}}{n}'}}, to: [n{}]", n + 1)
    };
    let patterns = (0..10).map(|name| graph(name, |n| if n < 127 { pattern(n) } else { "stop: {}".into() }));
    let _ = checked("large patterns", patterns);
}
