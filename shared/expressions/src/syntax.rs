//! What is wrong with a text that is not CEL, in words for people who do not know how it is parsed: the parser's own list
//! every token that could have come.

/// The longest piece of the expression that is repeated.
const MAX_TOLD_CHARS: usize = 30;

/// What the parser's `message` about `source` means; `column` is the character of the line that it is about, from 1.
pub(crate) fn words(message: &str, source: &str, line: usize, column: usize) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let before = || word_before(source, line, column);
    if let Some(text) = message.strip_prefix("token recognition error at: ") {
        return unreadable(unquoted(text));
    }
    for beginning in ["mismatched input ", "extraneous input "] {
        let split = message.strip_prefix(beginning).and_then(|rest| rest.split_once(" expecting "));
        if let Some((found, expected)) = split {
            return unexpected(unquoted(found), expected, &before());
        }
    }
    if let Some((missing, at)) = message.strip_prefix("missing ").and_then(|rest| rest.split_once(" at ")) {
        return missing_before(unquoted(missing), unquoted(at));
    }
    if let Some(text) = message.strip_prefix("no viable alternative at input ") {
        return out_of_place(unquoted(text));
    }
    if let Some(name) = message.strip_prefix("reserved identifier: ") {
        return match name {
            "if" | "else" => "CEL has no if: write condition ? one value : another".to_string(),
            _ => format!("`{}` is a word that CEL keeps for itself and cannot be a name", short(name)),
        };
    }
    let told = match message {
        "invalid argument to has() macro" => "has takes a field, as in has(event.properties.value)",
        "argument must be a simple name" => {
            "what comes first in exists, all, map and filter is a name for the element, as in \
             event.properties.items.exists(item, item.price > 1)"
        }
        _ if message.contains("`_?_:_`") => "the `:` is missing: write condition ? one value : another",
        _ if message.starts_with("invalid int literal") || message.starts_with("invalid uint literal") => {
            "the number is too large"
        }
        _ if message.contains("literal") => "this number or text is not written as CEL writes them",
        _ if message.contains("Recursion limit") => "it nests too deeply",
        _ if message.contains("unsupported syntax") => "this cannot be used here",
        _ => "something is missing or out of place here",
    };
    told.to_string()
}

/// Characters that begin nothing.
fn unreadable(text: &str) -> String {
    match text.chars().next() {
        Some('\'' | '"') => "a text in quotes is never closed".to_string(),
        Some('=') => "two values are compared with ==".to_string(),
        Some('&') => "two conditions are joined with &&".to_string(),
        Some('|') => "two conditions are joined with ||".to_string(),
        _ => out_of_place(text.trim_end()),
    }
}

/// A token that cannot come here.
fn unexpected(found: &str, expected: &str, before: &str) -> String {
    let closing = ["]", ")", "}"].into_iter().find(|closing| expected.contains(&format!("'{closing}'")));
    let ends = expected.contains("<EOF>");
    match (found, closing) {
        ("<EOF>", Some(closing)) => return missing_before(closing, found),
        ("<EOF>", None) => return "something is missing at the end".to_string(),
        (")" | "]" | "}", None) if ends => return format!("`{found}` closes nothing"),
        ("and", _) => return "two conditions are joined with &&, not with and".to_string(),
        ("or", _) => return "two conditions are joined with ||, not with or".to_string(),
        ("is", _) => return "two values are compared with ==, not with is".to_string(),
        ("not", _) => return "a condition is turned round with !, not with not".to_string(),
        _ => {}
    }
    if before == "not" {
        return "a condition is turned round with !, not with not".to_string();
    }
    let mut characters = found.chars();
    if characters.next() == Some('.') && characters.next().is_some_and(|c| c.is_ascii_digit()) {
        return "a field whose name begins with a digit is read with brackets, as in event.properties[\"1st\"]"
            .to_string();
    }
    let begins_a_value = |c: char| c.is_alphanumeric() || "_'\"".contains(c);
    if ends && found.starts_with(begins_a_value) {
        let told = format!("an operator, such as && or +, is missing before `{}`", short(found));
        let begins_a_name = |c: char| c.is_alphabetic() || c == '_';
        let is_name = before.starts_with(begins_a_name) && found.starts_with(begins_a_name);
        return match is_name {
            true => format!(
                "{told}; a field whose name has a blank is read with brackets, as in event.properties[\"{} {}\"]",
                short(before),
                short(found)
            ),
            false => told,
        };
    }
    out_of_place(found)
}

fn missing_before(missing: &str, found: &str) -> String {
    let missing = if missing.starts_with('{') { "something" } else { missing };
    match found {
        "<EOF>" => format!("`{missing}` is missing at the end"),
        found => format!("`{missing}` is missing before `{}`", short(found)),
    }
}

fn out_of_place(text: &str) -> String {
    match text {
        "" | "<EOF>" => "something is missing at the end".to_string(),
        text => format!("`{}` cannot be here", short(text)),
    }
}

/// The name that ends just before a place; empty where none does.
fn word_before(source: &str, line: usize, column: usize) -> String {
    let text = source.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let before: String = text.chars().take(column.saturating_sub(1)).collect();
    let word = before.trim_end().rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next();
    word.unwrap_or_default().to_string()
}

fn unquoted(token: &str) -> &str {
    token.strip_prefix('\'').and_then(|token| token.strip_suffix('\'')).unwrap_or(token)
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TOLD_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Condition, ExpressionError};

    fn said(source: &str) -> String {
        match Condition::compile(source) {
            Err(ExpressionError::Syntax { reason, .. }) => reason,
            other => panic!("{source}: {other:?}"),
        }
    }

    #[test]
    fn what_is_not_cel_is_told_in_plain_words() {
        for (source, told) in [
            ("event.properties.value >", "something is missing at the end"),
            ("(event.id == 'a'", "`)` is missing at the end"),
            ("event.id in ['a'", "`]` is missing at the end"),
            ("event.id == 'a')", "`)` closes nothing"),
            ("event.id = 'a'", "two values are compared with =="),
            ("event.id == 'a' and true", "two conditions are joined with &&, not with and"),
            ("not has(event.id)", "a condition is turned round with !, not with not"),
            ("event.id == 'a", "a text in quotes is never closed"),
            ("if (true)", "CEL has no if: write condition ? one value : another"),
            ("true ? 1", "the `:` is missing: write condition ? one value : another"),
            ("1 2", "an operator, such as && or +, is missing before `2`"),
            ("event.id € 1", "`€` cannot be here"),
        ] {
            assert_eq!(said(source), told, "{source}");
        }
    }

    #[test]
    fn the_names_of_tokens_are_never_told() {
        let words =
            ["event.id", "==", "'a'", "(", ")", "[", "]", "{", "}", "?", ":", ".", ",", "!", "1", "has("];
        for first in words {
            for second in words {
                for third in words {
                    let source = format!("{first} {second} {third}");
                    if let Err(ExpressionError::Syntax { reason, .. }) = Condition::compile(&source) {
                        let jargon = ["EOF", "NUM_", "IDENTIFIER", "Context", "expecting", "viable", "macro"];
                        assert!(!jargon.iter().any(|word| reason.contains(word)), "{source}: {reason}");
                    }
                }
            }
        }
    }
}
