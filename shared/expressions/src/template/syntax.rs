//! What is wrong with a text that is no template, in words for people who do not know how it is parsed.

use crate::spelling::did_you_mean;

/// The statements that a template may use.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// What the engine's `message` means.
pub(super) fn words(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unexpected ") {
        if let Some((found, expected)) = rest.split_once(", expected ") {
            return missing(found, expected);
        }
        return match rest {
            "end of string" => "a text in quotes is never closed".to_string(),
            "end of comment" => "`#}` is missing at the end: a comment is never closed".to_string(),
            "end of raw block" => "`{% endraw %}` is missing at the end".to_string(),
            "character" => "a character that a template cannot have between its braces".to_string(),
            "input after expression" | "input after end of variable block" => {
                "something is left after what is filled in".to_string()
            }
            "end of variable block" => "something is missing before `}}`".to_string(),
            "end of block" => "something is missing before `%}`".to_string(),
            found => format!("{} cannot be here", token(found)),
        };
    }
    if let Some(name) = message.strip_prefix("unknown statement ") {
        return match name {
            "elif" | "else" | "endif" => format!("{name} stands alone: it belongs to an if before it"),
            "endfor" => "endfor stands alone: it belongs to a for before it".to_string(),
            name => format!(
                "unknown statement {name}; there are {}{}",
                STATEMENTS.join(", "),
                did_you_mean(name, STATEMENTS)
            ),
        };
    }
    match message {
        "expected a filter" => "a filter is missing after `|`".to_string(),
        "Too many arguments in function call" => "there are too many arguments".to_string(),
        _ if message.contains("expected statement") => {
            format!("after `{{%` comes one of {}", STATEMENTS.join(", "))
        }
        _ if message.contains("recursion") || message.contains("depth") => "it nests too deeply".to_string(),
        _ => "something is missing or out of place here".to_string(),
    }
}

fn missing(found: &str, expected: &str) -> String {
    let expected = match expected {
        "expression" => "a value",
        "identifier" | "identifier or integer" => "a name",
        "block keyword" | "keyword" => "a statement such as if or for",
        expected => token(expected),
    };
    match (found, expected) {
        ("end of input", "`%}`") => {
            "`%}` is missing at the end; every if needs its `{% endif %}`, every for its `{% endfor %}`"
                .to_string()
        }
        ("end of input", expected) => format!("{expected} is missing at the end"),
        ("identifier", "`}}`") => {
            "`}}` is missing before a name; a field whose name has a blank is read with brackets, as in \
             event.properties[\"first name\"]"
                .to_string()
        }
        (found, expected) => format!("{expected} is missing before {}", token(found)),
    }
}

/// A token of the engine, as it is written.
fn token(name: &str) -> &str {
    match name {
        "start of variable block" => "`{{`",
        "end of variable block" => "`}}`",
        "start of block" => "`{%`",
        "end of block" => "`%}`",
        "identifier" => "a name",
        "string" => "a text in quotes",
        "integer" | "float" => "a number",
        "template-data" => "text",
        "in" => "`in`",
        "end of input" => "the end",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Template, Variables};

    #[test]
    fn what_is_no_template_is_told_in_plain_words() {
        for (source, told) in [
            ("{{ event.type", "not a template: `}}` is missing at the end (in line 1)"),
            ("{{ event.type | }}", "not a template: a name is missing before `}}` (in line 1)"),
            ("{{ }}", "not a template: something is missing before `}}` (in line 1)"),
            ("{{ 'x }}", "not a template: a text in quotes is never closed (in line 1)"),
            ("{% endif %}", "not a template: endif stands alone: it belongs to an if before it (in line 1)"),
            (
                "{% fi event.type %}",
                "not a template: unknown statement fi; there are if, elif, else, endif, for, endfor (in line 1)",
            ),
        ] {
            let refused = Template::compile(source, Variables::Event).expect_err("it is no template");
            assert_eq!(refused.to_string(), told, "{source}");
        }
    }
}
