//! The literals of a program, and which of them spell a key of Redis.

use std::collections::BTreeSet;

/// What follows the hash tag in the keys that the file of keys spells, such as `owner` and `events`.
pub(super) fn names_of_keys(file_of_keys: &str) -> BTreeSet<String> {
    let literals = literals(false, file_of_keys);
    let after_tag = literals.iter().filter_map(|literal| literal.split_once("}:").map(|(_, rest)| rest));
    let in_keys = after_tag.map(|rest| rest.split(':').next().unwrap_or_default().to_owned());
    // Names of streams stand alone there: they are one lower-case word.
    let alone = literals.iter().filter(|literal| is_word(literal)).cloned();
    in_keys.filter(|name| is_word(name)).chain(alone).collect()
}

/// A hash tag followed by a key's name, or a key's name between colons.
pub(super) fn is_key(literal: &str, names: &BTreeSet<String>) -> bool {
    let after_tag = literal.split("}:").skip(1).map(first_word);
    // `:name:` inside, or `:name` before what is appended to it.
    let parts: Vec<&str> = literal.split(':').collect();
    let between = parts.iter().skip(1).copied().filter(|_| literal.starts_with(':'));
    let inside = parts.iter().copied().take(parts.len().saturating_sub(1)).skip(1);
    let tag_of_format = literal.contains("{{") && literal.contains("}}:");
    tag_of_format || after_tag.chain(between).chain(inside).any(|word| names.contains(word))
}

fn first_word(text: &str) -> &str {
    text.find(|character: char| !character.is_ascii_lowercase()).map_or(text, |end| &text[..end])
}

fn is_word(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|character| character.is_ascii_lowercase())
}

/// The public constants that a file declares.
pub(super) fn constants(source: &str) -> Vec<&str> {
    let declarations = source.lines().filter_map(|line| line.trim_start().strip_prefix("pub const "));
    declarations.filter_map(|rest| Some(rest.split_once(':')?.0)).collect()
}

/// The constants that a program takes from a module, as `module::CONSTANT`.
pub(super) fn taken_from<'a>(module: &str, source: &'a str) -> Vec<&'a str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let uses =
        source.match_indices(module).filter_map(|(at, _)| source[at + module.len()..].strip_prefix("::"));
    uses.map(|rest| &rest[..rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())]).collect()
}

/// The texts of all string literals, as written: comments are left out, escapes are not resolved.
pub(super) fn literals(is_lua: bool, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        rest = match next {
            '/' if !is_lua && rest.starts_with("//") => after(rest, "\n"),
            '/' if !is_lua && rest.starts_with("/*") => after(rest, "*/"),
            '-' if is_lua && rest.starts_with("--") => after(rest, "\n"),
            'r' if !is_lua && opens_raw(rest).is_some() => {
                let hashes = opens_raw(rest).unwrap_or_default();
                take(&rest[hashes + 2..], &format!("\"{}", "#".repeat(hashes)), &mut found)
            }
            '\'' if !is_lua => after_character(rest),
            '"' | '\'' => take_escaped(&rest[1..], next, &mut found),
            // A word is skipped whole, so that its last letter is not taken for the `r` of a raw literal.
            _ if next.is_alphanumeric() => rest.trim_start_matches(|letter: char| letter.is_alphanumeric()),
            _ => &rest[next.len_utf8()..],
        };
    }
    found
}

/// How many `#` a raw literal that begins here has.
fn opens_raw(text: &str) -> Option<usize> {
    let after_r = text.strip_prefix('r')?;
    let quoted = after_r.trim_start_matches('#');
    quoted.starts_with('"').then(|| after_r.len() - quoted.len())
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

/// Behind a character literal, or behind the quote of a lifetime.
fn after_character(text: &str) -> &str {
    let mut characters = text[1..].chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), Some(escaped)) => after(&text[2 + escaped.len_utf8()..], "'"),
        (Some(_), Some('\'')) => characters.as_str(),
        _ => &text[1..],
    }
}

fn take<'a>(text: &'a str, end: &str, found: &mut Vec<String>) -> &'a str {
    let (literal, rest) = text.split_once(end).unwrap_or((text, ""));
    found.push(literal.to_owned());
    rest
}

fn take_escaped<'a>(text: &'a str, quote: char, found: &mut Vec<String>) -> &'a str {
    let mut escaped = false;
    let end = text.find(|character: char| {
        let ends = character == quote && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    });
    let end = end.unwrap_or(text.len());
    found.push(text[..end].to_owned());
    text.get(end + 1..).unwrap_or_default()
}

#[test]
fn literals_are_told_from_comments_characters_and_lifetimes() {
    let rust = r##"
        // "a comment" isn't one
        fn f<'a>(x: &'a str) -> char { /* "nor this" */ g("one", r#"t"wo"#, b"three\"'", 'x', '"', '\'', "four") }
    "##;
    assert_eq!(literals(false, rust), ["one", "t\"wo", "three\\\"'", "four"]);
    assert_eq!(literals(true, "local a = 'one' -- 'two'\nreturn a .. \"three\""), ["one", "three"]);
}

#[test]
fn keys_are_told_from_other_literals() {
    let names = names_of_keys(r#"f("{{{}}}:owner:{stage}"); f("events"); f("{{mesh}}:live:{x}")"#);
    assert_eq!(names.iter().collect::<Vec<_>>(), ["events", "live", "owner"]);
    for key in ["{{{}}}:x", "{7}:events", "{p}:owner:collector", ":owner:", ":owner", "x:owner:y"] {
        assert!(is_key(key, &names), "{key}");
    }
    for other in
        ["events", "{tenant}:{key}", "{file}:{line}:{column}", "stopped: {failure}", "no events: none"]
    {
        assert!(!is_key(other, &names), "{other}");
    }
}
