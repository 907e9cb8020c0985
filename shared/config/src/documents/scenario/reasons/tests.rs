use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// The words of a chapter of docs/errors.md that stand in `column`, from the rows that `of` accepts.
fn written(chapter: &str, column: usize, of: impl Fn(&str) -> bool) -> BTreeSet<String> {
    written_in("errors.md", chapter, column, of)
}

/// The same of another page.
fn written_in(page: &str, chapter: &str, column: usize, of: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = fs::read_to_string(page).unwrap();
    let from = text.split_once(&format!("{chapter}\n")).expect("the chapter is there").1;
    let level = chapter.split(' ').next().unwrap();
    let rows = from.lines().take_while(|line| !line.starts_with('#') || line.len() < level.len());
    let rows = rows.filter(|row| row.starts_with('|') && of(row));
    let cells = rows.filter_map(|row| row.split('|').nth(column).map(str::to_owned));
    let words = cells.flat_map(|cell| {
        cell.split('`').map(str::to_owned).filter(|word| is_word(word)).collect::<Vec<String>>()
    });
    words.collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn listed(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_reasons_of_events_and_problems_are_those_of_the_documentation() {
    assert_eq!(listed(EVENT), written("## Events", 1, |_| true));
    assert_eq!(listed(PROBLEM), written("### Problems", 1, |_| true));
    assert_eq!(listed(DEAD_LETTER), written("## Dead letters", 2, |row| row.contains("`forward`")));
    let calls = written("## Calls", 2, |_| true);
    assert!(listed(PAYLOAD).is_subset(&calls), "{calls:?}");
}

#[test]
fn the_reasons_for_which_a_call_has_no_answer_are_those_of_the_guide() {
    let mut guide = written_in("workflows.md", "## Calling others", 1, |_| true);
    assert!(guide.remove("TOO_MANY_EVENTS"), "the past is not called, so no scenario says what it answers");
    assert_eq!(listed(CALL), guide);
}

#[test]
fn a_misspelt_word_is_told_with_the_one_that_was_meant() {
    assert_eq!(Words::DeadLetter.check("INVALID_TYPE"), Ok(()));
    let told = Words::Payload.check("NO_EVENT").unwrap_err();
    assert_eq!(
        told,
        "\"NO_EVENT\" is no reason for which a payload is refused as a whole; did you mean NO_EVENTS?"
    );
    let told = Words::Warning.check("EVENTS_REQUIRED").unwrap_err();
    assert_eq!(told, "\"EVENTS_REQUIRED\" is no code of a warning");
}
