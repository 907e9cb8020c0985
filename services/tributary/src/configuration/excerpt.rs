//! The line of a file that something is wrong in, and the word that is meant.
//!
//! In documents that name secrets somebody may have written the secret itself, which is the very thing that is wrong then:
//! lines of those are never shown, nor of a document that may be one.

use std::{fs, ops::Range, path::Path};

use tributary_config::ConfigError;

/// Documents that never name a secret.
const WITHOUT_SECRETS: [&str; 5] = ["Fields", "Schema", "Mapping", "Workflow", "Scenario"];
/// What a document's first fields are called.
const HEAD: [&str; 4] = ["kind", "name", "tenant", "spec"];

/// A line, and what of it is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// From 1.
    pub(super) line: u64,
    pub(super) text: String,
    /// Characters, from 0; at least one.
    pub(super) mark: Range<usize>,
}

/// The line that is meant, if there is one and it may be shown.
pub(super) fn of(path: &Path, error: &ConfigError) -> Option<Excerpt> {
    let text = fs::read_to_string(path).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(error.line).ok()?.checked_sub(1)?;
    let line = *lines.get(at)?;
    if !may_be_shown(error.document.as_deref(), &text, line) {
        return None;
    }
    let column = usize::try_from(error.column).ok()?.checked_sub(1)?;
    let (at, mark) = in_expression(&lines, at, column, &error.reason)
        .unwrap_or_else(|| (at, named(line, column, &error.reason).unwrap_or_else(|| word(line, column))));
    Some(Excerpt { line: at as u64 + 1, text: lines[at].to_owned(), mark })
}

fn may_be_shown(document: Option<&str>, text: &str, line: &str) -> bool {
    if is_head(line) {
        return true;
    }
    match document {
        Some(document) => document.split(' ').next().is_some_and(|kind| WITHOUT_SECRETS.contains(&kind)),
        None => documents(text).all(|document| kinds(&document).is_some()),
    }
}

/// A first field, misspelt maybe, with a word as its value: no secret is written there.
fn is_head(line: &str) -> bool {
    let Some((name, value)) = line.split_once(':') else { return false };
    let near = HEAD.iter().any(|known| strsim::damerau_levenshtein(known, name) <= 1);
    let value = value.trim();
    near && value.len() <= 24 && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// The documents of a file, without those that are empty.
fn documents(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let mut all = vec![Vec::new()];
    for line in text.lines() {
        if line.starts_with("---") {
            all.push(Vec::new());
        } else if !line.trim().is_empty()
            && !line.starts_with('#')
            && let Some(last) = all.last_mut()
        {
            last.push(line);
        }
    }
    all.into_iter().filter(|lines| !lines.is_empty())
}

/// Whether every kind that a document says it has is one without secrets; `None` where one is not, or there is none.
fn kinds(document: &[&str]) -> Option<()> {
    let mut kinds = document.iter().filter_map(|line| line.strip_prefix("kind:")).peekable();
    kinds.peek()?;
    kinds.all(|kind| WITHOUT_SECRETS.contains(&kind.trim())).then_some(())
}

/// The character of an expression that a message names, `at character 5 of line 2`: `column` is where the expression begins.
fn in_expression(lines: &[&str], at: usize, column: usize, reason: &str) -> Option<(usize, Range<usize>)> {
    let (_, place) = reason.split_once("at character ")?;
    let (character, rest) = number(place)?;
    let within = match rest.strip_prefix(" of line ") {
        Some(rest) => number(rest)?.0,
        None => 1,
    };
    let character = character.checked_sub(1)?;
    let first: Vec<char> = lines[at].chars().collect();
    let header = first.get(column..).unwrap_or_default();
    // `|` and `>` stand before the lines of a text, which begin where its first line does.
    let is_block = matches!(header.first(), Some('|' | '>'));
    let (line, begin) = if is_block {
        let first = lines.iter().skip(at + 1).find(|line| !line.trim().is_empty())?;
        (at + within, first.chars().take_while(|letter| *letter == ' ').count())
    } else if within == 1 {
        let quoted = matches!(header.first(), Some('"' | '\''));
        (at, column + usize::from(quoted))
    } else {
        return None;
    };
    let length = lines.get(line)?.chars().count();
    let start = (begin + character).min(length.saturating_sub(1));
    Some((line, word(lines[line], start)))
}

fn number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// The first word that the message names and that stands in the line: at its column, else behind it, else anywhere.
fn named(line: &str, column: usize, reason: &str) -> Option<Range<usize>> {
    // What was meant instead is not what is wrong.
    let reason = reason.split("did you mean").next().unwrap_or_default();
    let words: Vec<&str> = quoted(reason).collect();
    let found: Vec<Range<usize>> = words.iter().flat_map(|word| places(line, word)).collect();
    let at = found.iter().find(|range| range.start == column);
    let behind = || found.iter().find(|range| range.start > column);
    at.or_else(behind).or_else(|| found.first()).cloned()
}

/// What stands between backticks or quotes.
fn quoted(reason: &str) -> impl Iterator<Item = &str> {
    ['`', '"']
        .into_iter()
        .flat_map(|mark| reason.split(mark).skip(1).step_by(2))
        .filter(|word| !word.is_empty())
}

/// Where a word stands in a line as a whole word.
fn places<'l>(line: &'l str, word: &'l str) -> impl Iterator<Item = Range<usize>> + use<'l> {
    let is_part =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    line.match_indices(word).filter_map(move |(start, found)| {
        let (before, behind) = (&line[..start], &line[start + found.len()..]);
        let whole = !is_part(before.chars().next_back()) && !is_part(behind.chars().next());
        let start = before.chars().count();
        whole.then(|| start..start + found.chars().count())
    })
}

/// The word that begins at a column; one character where none does.
fn word(line: &str, column: usize) -> Range<usize> {
    let letters = line.chars().skip(column);
    let length =
        letters.take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.')).count();
    column..column + length.max(1)
}

#[cfg(test)]
mod tests;
