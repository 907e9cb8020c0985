//! The guide's examples do what they say: each workflow in it has a scenario, and each kind of node a workflow.

use std::{collections::BTreeSet, fs};

use tributary_config::Config;

use crate::{failures, played, repository};

/// The guide, and what it says of each family of nodes.
const PAGES: [&str; 8] = [
    "docs/workflows.md",
    "docs/nodes/ways.md",
    "docs/nodes/values.md",
    "docs/nodes/profile.md",
    "docs/nodes/time.md",
    "docs/nodes/history.md",
    "docs/nodes/calls.md",
    "docs/nodes/output.md",
];
/// Stands before an example that is a part of something.
const FRAGMENT: &str = "<!-- fragment -->";

/// An example as it stands in the guide.
struct Example {
    line: usize,
    text: String,
    is_fragment: bool,
}

/// Every block of YAML.
fn examples(guide: &str) -> Vec<Example> {
    let (mut examples, mut open): (Vec<Example>, Option<Example>) = (Vec::new(), None);
    let mut before = "";
    for (line, text) in (1..).zip(guide.lines()) {
        match &mut open {
            None if text.trim() == "```yaml" => {
                open = Some(Example { line, text: String::new(), is_fragment: before == FRAGMENT });
            }
            None => {}
            Some(_) if text.trim() == "```" => examples.extend(open.take()),
            Some(example) => {
                example.text.push_str(text);
                example.text.push('\n');
            }
        }
        if !text.trim().is_empty() {
            before = text.trim();
        }
    }
    examples
}

fn loaded(example: &Example) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("example.yaml"), &example.text).unwrap();
    Config::load(folder.path()).map_err(|errors| errors.to_string())
}

/// What is wrong with an example.
fn wrong(example: &Example, kinds: &mut BTreeSet<String>) -> Option<String> {
    let config = match loaded(example) {
        Ok(config) => config,
        Err(errors) => return Some(errors),
    };
    let workflows = config.tenants.values().flat_map(|tenant| &tenant.workflows);
    for node in workflows.flat_map(|workflow| workflow.graph.nodes()) {
        kinds.insert(node.node.kind().to_owned());
    }
    let played = played(&config);
    if played.is_empty() {
        return Some(format!("it has no Scenario; one that is a part of something stands below {FRAGMENT}"));
    }
    let failures = failures(&played);
    (!failures.is_empty()).then(|| failures.join("\n"))
}

#[test]
fn every_workflow_of_the_guide_does_what_its_scenario_says_and_every_kind_of_node_has_one() {
    let (mut kinds, mut told) = (BTreeSet::new(), Vec::new());
    for page in PAGES {
        let text = fs::read_to_string(repository(page)).unwrap();
        let examples = examples(&text);
        let whole =
            examples.iter().filter(|example| example.text.contains("kind: Workflow") && !example.is_fragment);
        for example in whole {
            if let Some(wrong) = wrong(example, &mut kinds) {
                told.push(format!("{page}:{}: {wrong}", example.line));
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    let missing: Vec<&&str> =
        tributary_config::node_kinds().iter().filter(|kind| !kinds.contains(**kind)).collect();
    assert!(missing.is_empty(), "the guide has no example of {missing:?}");
}

#[test]
fn an_example_is_found_with_its_line_and_whether_it_is_a_part_of_something() {
    let guide = "text\n\n```yaml\na: 1\n```\n\n<!-- fragment -->\n```yaml\nb: 2\n```\n```console\n$ x\n```\n";
    let found: Vec<(usize, String, bool)> = examples(guide)
        .into_iter()
        .map(|example| (example.line, example.text, example.is_fragment))
        .collect();
    assert_eq!(found, [(3, "a: 1\n".to_owned(), false), (8, "b: 2\n".to_owned(), true)]);
}
