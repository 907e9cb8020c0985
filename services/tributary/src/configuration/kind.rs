//! Kinds of documents as people type them: in small letters, one or many.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tributary_config::kinds;

/// Takes `mapping`, `Mapping` and `mappings`; gives the kind as documents spell it.
pub(super) fn parser() -> impl TypedValueParser<Value = String> {
    let values = kinds().map(|kind| PossibleValue::new(kind.to_lowercase()).alias(other_number(kind)));
    PossibleValuesParser::new(values).map(|typed| as_written(&typed))
}

fn as_written(typed: &str) -> String {
    let typed = typed.to_lowercase();
    let kind = kinds().find(|kind| kind.to_lowercase() == typed || other_number(kind) == typed);
    kind.map_or(typed, str::to_owned)
}

/// `mappings` for a Mapping, `field` for Fields.
fn other_number(kind: &str) -> String {
    let kind = kind.to_lowercase();
    kind.strip_suffix('s').map_or_else(|| format!("{kind}s"), str::to_owned)
}

/// Such as `mappings`, of which there may be none; all documents where no kind is named.
pub(super) fn many(kind: &str) -> String {
    match kind.to_lowercase() {
        kind if kind.is_empty() => "documents".to_owned(),
        kind if kind.ends_with('s') => kind,
        kind => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_can_be_typed_in_small_letters_and_in_the_plural() {
        for (typed, kind) in
            [("mapping", "Mapping"), ("Mappings", "Mapping"), ("fields", "Fields"), ("field", "Fields")]
        {
            assert_eq!(as_written(typed), kind);
        }
        assert_eq!(
            (many("Fields"), many("Source"), many("")),
            ("fields".into(), "sources".into(), "documents".into())
        );
    }

    #[test]
    fn an_unknown_kind_is_a_wrong_command_line_that_says_which_there_are() {
        let args = ["tributary", "get", "foo"];
        let refused = crate::cli::command().try_get_matches_from(args).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        let said = refused.to_string();
        assert!(
            said.contains("mapping") && said.contains("destination") && !said.contains("scenario"),
            "{said}"
        );
        let known = ["tributary", "get", "Mappings"];
        assert!(crate::cli::command().try_get_matches_from(known).is_ok());
    }
}
