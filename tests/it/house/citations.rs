//! Where code and pages refer to a page: `docs/<page>.md`, alone or with the sections that follow it.

use std::fmt::{Display, Formatter, Result};

/// Characters of a page's path, which follow `docs/`.
const OF_PATH: fn(char) -> bool = |character| character.is_ascii_alphanumeric() || "-_/".contains(character);
/// What stands between two sections of one page.
const BETWEEN: [&str; 3] = [", ", " and ", ", and "];

/// A reference to a page.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Citation {
    /// Such as `docs/algebra.md`.
    pub(super) document: String,
    /// Such as `3` or `6.9`.
    pub(super) section: Option<String>,
    /// The file that refers to it.
    by: String,
}

impl Display for Citation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { document, section, by } = self;
        match section {
            Some(section) => write!(f, "{by} cites {document} §{section}"),
            None => write!(f, "{by} cites {document}"),
        }
    }
}

pub(super) fn of(by: &str, content: &str) -> Vec<Citation> {
    let text = joined(content);
    let mut citations = Vec::new();
    for (place, _) in text.match_indices("docs/") {
        let path = &text[place..];
        let end = 5 + path[5..].find(|character| !OF_PATH(character)).unwrap_or(path.len() - 5);
        let Some(rest) = path[end..].strip_prefix(".md") else { continue };
        let document = format!("{}.md", &path[..end]);
        let mut sections = sections(rest).into_iter().map(Some).collect::<Vec<_>>();
        if sections.is_empty() {
            sections.push(None);
        }
        let one = |section| Citation { document: document.clone(), section, by: by.to_owned() };
        citations.extend(sections.into_iter().map(one));
    }
    citations
}

/// Whether the page has a heading like `## 3. Kinds` or `### 6.9 Waiting`.
pub(super) fn has_section(page: &str, section: &str) -> bool {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let mut titles = headings.map(|line| line.trim_start_matches('#').trim_start());
    titles.any(|title| {
        title.split([' ', ':']).next().is_some_and(|number| number.trim_end_matches('.') == section)
    })
}

/// One line, in which a reference that was broken at a line's end is whole again.
fn joined(content: &str) -> String {
    let marks = |character: char| "/!*-#".contains(character) || character.is_whitespace();
    content.lines().map(|line| line.trim_start_matches(marks).trim_end()).collect::<Vec<_>>().join(" ")
}

fn sections(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches('`').strip_prefix(' ').unwrap_or_default();
    while let Some(numbered) = rest.strip_prefix('§') {
        let end = numbered.find(|character: char| !character.is_ascii_digit() && character != '.');
        let (number, more) = numbered.split_at(end.unwrap_or(numbered.len()));
        found.push(number.trim_end_matches('.').to_owned());
        rest = BETWEEN.iter().find_map(|word| more.strip_prefix(word)).unwrap_or_default();
    }
    found
}

#[test]
fn a_citation_is_found_with_all_its_sections_also_across_lines() {
    // Written apart, so that this file cites no page that is not there.
    let page = ["docs", "page.md"].join("/");
    let text = format!("/// As `{page}` says; see {page}\n    /// §4 and §6.9, §10.\n// ({page} §3).");
    let sections: Vec<_> = of("x.rs", &text).into_iter().map(|citation| citation.section).collect();
    let some = |section: &str| Some(section.to_owned());
    assert_eq!(sections, [None, some("4"), some("6.9"), some("10"), some("3")]);
}

#[test]
fn a_section_is_there_if_a_heading_has_its_number() {
    let page = "# A page\n## 3. Kinds\ntext 4. no\n### 6.9 Waiting\n";
    assert!(has_section(page, "3") && has_section(page, "6.9"));
    assert!(!has_section(page, "4") && !has_section(page, "6") && !has_section(page, "9"));
}
