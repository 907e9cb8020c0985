//! The environment of this process.

/// A variable's value. An empty one counts as absent, as shells and compose files make them by accident.
pub(crate) fn given(name: &str) -> Option<String> {
    filled(std::env::var(name).ok())
}

/// The value, unless it is blank.
pub(crate) fn filled(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_counts_as_absent() {
        for (value, found) in [(None, None), (Some(""), None), (Some(" "), None), (Some("x"), Some("x"))] {
            assert_eq!(filled(value.map(str::to_owned)).as_deref(), found);
        }
    }
}
