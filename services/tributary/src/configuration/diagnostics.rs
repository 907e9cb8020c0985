//! What is wrong with documents, with the line it is wrong in, as compilers show it.

use std::path::Path;

use tonic::Status;
use tonic_types::StatusExt as _;
use tributary_config::{ConfigError, ConfigErrors};

use super::excerpt::{self, Excerpt};
use crate::out::{Style, short};

/// Longer lines are cut: a place beyond is told by its number only.
const WIDTH: usize = 160;

/// All errors, and how many there are.
pub(super) fn all(directory: &Path, errors: &ConfigErrors, style: Style) -> String {
    let shown = errors.errors().iter().map(|error| one(directory, error, style));
    let mut text = shown.collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

/// What the mesh found wrong, if that is what it says; it names places as `file:line:column`.
pub(super) fn of_status(status: &Status) -> Option<Vec<ConfigError>> {
    let details = status.get_error_details();
    details.error_info().filter(|info| info.reason == "CONFIG_INVALID")?;
    let violations = &details.bad_request()?.field_violations;
    Some(
        violations
            .iter()
            .map(|violation| {
                let (file, line, column) = place(&violation.field);
                let reason = violation.description.clone();
                ConfigError { file: file.to_owned(), line, column, document: None, reason }
            })
            .collect(),
    )
}

/// One error.
pub(super) fn one(directory: &Path, error: &ConfigError, style: Style) -> String {
    let document = error.document.as_ref().map(|document| format!("{document}: ")).unwrap_or_default();
    let mut text = format!("{}: {document}{}", style.red("error"), style.bold(&error.reason));
    let path = directory.join(&error.file);
    let file = if path.is_file() { path.display().to_string() } else { error.file.clone() };
    if error.line == 0 {
        text.push_str(&format!("\n  {} {file}", style.dim("-->")));
        return text;
    }
    text.push_str(&format!("\n  {} {file}:{}:{}", style.dim("-->"), error.line, error.column));
    if let Some(Excerpt { line, text: source, mark }) = excerpt::of(&path, error) {
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let bar = style.dim("|");
        text.push_str(&format!("\n {margin} {bar}\n {} {bar} {}", style.dim(&number), short(&source, WIDTH)));
        if mark.end <= WIDTH {
            let carets = style.red("^".repeat(mark.len()));
            text.push_str(&format!("\n {margin} {bar} {}{carets}", " ".repeat(mark.start)));
        }
    }
    text
}

/// `file:line:column`, of which a file alone may be left.
fn place(field: &str) -> (&str, u64, u64) {
    let mut parts = field.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok());
    match (file, number(line), number(column)) {
        (Some(file), Some(line), Some(column)) => (file, line, column),
        _ => (field, 0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::Color;
    use std::fs;

    fn shown(document: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.yaml");
        fs::write(&path, "kind: Mapping\nspec:\n  op: ad\n").unwrap();
        let error = ConfigError {
            file: "shop.yaml".into(),
            line: 3,
            column: 7,
            document: Some(document.into()),
            reason: "`ad` is no operation; did you mean `add`?".into(),
        };
        let plain = Style::new(Color::Never, false);
        one(folder.path(), &error, plain).replace(&folder.path().display().to_string(), "conf")
    }

    #[test]
    fn an_error_is_shown_with_its_line_and_a_caret() {
        assert_eq!(
            shown("Mapping purchase"),
            "error: Mapping purchase: `ad` is no operation; did you mean `add`?\n  --> conf/shop.yaml:3:7\n   |\n 3 |   op: ad\n   |       ^^"
        );
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_shown() {
        assert!(shown("Destination crm").ends_with("conf/shop.yaml:3:7"));
    }

    #[test]
    fn places_of_the_mesh_are_read() {
        assert_eq!(place("a/b.yaml:9:14"), ("a/b.yaml", 9, 14));
        assert_eq!(place("documents"), ("documents", 0, 0));
    }
}
