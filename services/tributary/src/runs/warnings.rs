//! What the mesh put up with.

use serde_json::{Value, json};
use tributary_proto::v1;

use crate::out::{self, Style};

/// Beside the output, for people.
pub(crate) fn notes(warnings: &[v1::Warning], style: Style) {
    for warning in warnings {
        out::note(note(warning, style));
    }
}

/// For programs.
pub(crate) fn warnings(warnings: &[v1::Warning]) -> Value {
    let warning = |warning: &v1::Warning| json!({"code": code(warning), "path": warning.path, "message": warning.message});
    warnings.iter().map(warning).collect()
}

fn note(warning: &v1::Warning, style: Style) -> String {
    let place = if warning.path.is_empty() { String::new() } else { format!("{}: ", warning.path) };
    let message = out::short(&warning.message, usize::MAX);
    format!("{}: {place}{message} ({})", style.yellow("note"), code(warning))
}

fn code(warning: &v1::Warning) -> &'static str {
    let name = warning.code().as_str_name();
    name.strip_prefix("WARNING_CODE_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::Color;

    #[test]
    fn a_warning_is_told_with_its_place_and_its_code_to_people_and_programs() {
        let warning = v1::Warning {
            code: v1::WarningCode::ProfileReplaced.into(),
            path: "profile_id".into(),
            message: "it was replaced".into(),
        };
        let plain = Style::new(Color::Never, false);
        assert_eq!(note(&warning, plain), "note: profile_id: it was replaced (PROFILE_REPLACED)");
        assert_eq!(warnings(&[warning])[0]["code"], "PROFILE_REPLACED");
    }
}
