//! Cases that workflows have to get right, each a directory of documents.

use std::fs;

use tributary_config::Config;

use crate::{failures, played, repository};

const CASES: &str = "tests/data/workflows";
/// The one that is to be refused.
const WRONG: &str = "not-a-set";

#[test]
fn every_case_ends_as_its_scenarios_say() {
    let mut cases = 0;
    for entry in fs::read_dir(repository(CASES)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == WRONG {
            continue;
        }
        let config = Config::load(&entry.path()).unwrap_or_else(|errors| panic!("{errors}"));
        let played = played(&config);
        assert!(!played.is_empty(), "{} has no scenario", entry.path().display());
        let failures = failures(&played);
        assert!(failures.is_empty(), "{}: {}", entry.path().display(), failures.join("\n"));
        cases += 1;
    }
    assert!(cases >= 3, "{cases}");
}

#[test]
fn what_is_no_set_has_no_elements_to_remove() {
    let refused = Config::load(&repository(CASES).join(WRONG)).unwrap_err().to_string();
    let place = "shelf.yaml:11:";
    assert!(
        refused.starts_with(place) && refused.contains("`traits.name`, which is a register"),
        "{refused}"
    );
}

#[test]
fn what_a_set_cannot_hold_is_refused_alone_and_recorded() {
    let config = Config::load(&repository(CASES).join("set-elements")).unwrap();
    let played = played(&config);
    let (_, last) = played.last().unwrap();
    let recorded = last.notes.iter().any(|note| note.starts_with("workflow take, node take: "));
    assert!(recorded, "{:?}", last.notes);
}
