//! Laws of the checks over many small configurations.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tributary_config::{Config, ConfigErrors, Document, read_directory};

const TYPES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Workflows as trigger types and made types; no trigger type stands for all.
type Workflows = Vec<(BTreeSet<&'static str>, BTreeSet<&'static str>)>;

fn some_workflows() -> impl Strategy<Value = Workflows> {
    let types = |least| btree_set(select(TYPES.to_vec()), least..3);
    vec((types(0), types(1)), 0..6)
}

fn documents(workflows: &Workflows) -> Vec<Document> {
    let mut text = "kind: Source\nname: web\nspec: {write_keys: [{env: KEY}]}\n".to_string();
    for (index, (triggers, made)) in workflows.iter().enumerate() {
        let events =
            if triggers.is_empty() { "\"*\"".to_string() } else { format!("{:?}", Vec::from_iter(triggers)) };
        let emit: String = made.iter().map(|made| format!("{{type: {made}}}, ")).collect();
        text += &format!(
            "---\nkind: Workflow\nname: w{index}\nspec:\n  trigger: {{events: {events}}}\n  steps: [{{emit: [{emit}]}}]\n"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), text).unwrap();
    read_directory(dir.path()).unwrap()
}

/// Whether some event leads back to its own type, found the slow way: by following every event to its end.
fn has_circle(workflows: &Workflows) -> bool {
    let mut leads_to: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event_type in TYPES {
        let triggered = workflows.iter().filter(|(on, _)| on.is_empty() || on.contains(event_type));
        leads_to.insert(event_type, triggered.flat_map(|(_, made)| made.iter().copied()).collect());
    }
    for _ in TYPES {
        let before = leads_to.clone();
        for next in leads_to.values_mut() {
            let further: Vec<&str> = next.iter().flat_map(|next| &before[next]).copied().collect();
            next.extend(further);
        }
    }
    leads_to.iter().any(|(event_type, next)| next.contains(event_type))
}

fn told(outcome: Result<Config, ConfigErrors>) -> Result<String, String> {
    outcome.map(|config| config.revision).map_err(|errors| errors.to_string())
}

proptest! {
    #[test]
    fn a_circle_is_told_where_there_is_one_and_nowhere_else(workflows in some_workflows()) {
        let told = told(Config::from_documents(&documents(&workflows)));
        prop_assert_eq!(told.is_err(), has_circle(&workflows));
        for line in told.err().iter().flat_map(|said| said.lines()) {
            prop_assert!(line.contains(" lead back to "), "{}", line);
            let circle: Vec<&str> = line.split(&[':', '('][..]).nth(5).unwrap().trim().split(" -> ").collect();
            prop_assert!(circle.len() > 1 && circle.first() == circle.last(), "{}", line);
            for step in circle.windows(2) {
                let leads = |(on, made): &(BTreeSet<&str>, BTreeSet<&str>)| {
                    (on.is_empty() || on.contains(step[0])) && made.contains(step[1])
                };
                prop_assert!(workflows.iter().any(leads), "{}", line);
            }
        }
    }

    #[test]
    fn the_order_of_documents_does_not_matter(
        workflows in some_workflows(), swaps in vec((any::<Index>(), any::<Index>()), 4),
    ) {
        let documents = documents(&workflows);
        let mut shuffled = documents.clone();
        for (a, b) in swaps {
            shuffled.swap(a.index(documents.len()), b.index(documents.len()));
        }
        let (one, other) = (told(Config::from_documents(&documents)), told(Config::from_documents(&shuffled)));
        prop_assert_eq!(one.is_ok(), other.is_ok());
        if let (Ok(one), Ok(other)) = (one, other) {
            prop_assert_eq!(one, other);
        }
    }
}
