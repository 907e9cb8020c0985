//! One stage's own settings: its defaults, overlaid by `TRIBUTARY_<STAGE>__<KEY>`.

use figment::Figment;
use figment::error::Kind;
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SettingsError;

/// Reads a stage's settings from the process's environment.
///
/// `TRIBUTARY_INGEST__LISTEN` sets `listen` of the stage `ingest`; further `__` go into nested settings. Put
/// `#[serde(deny_unknown_fields, default)]` on `T`, so that a misspelt variable is refused and not overlooked.
///
/// # Errors
/// A variable that no setting has, or whose value does not fit, named as the variable it came from.
pub fn load_stage<T: Serialize + DeserializeOwned + Default>(stage: &str) -> Result<T, SettingsError> {
    let readable = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    stage_from(stage, readable)
}

/// As [`load_stage`], from the variables given.
///
/// # Errors
/// As [`load_stage`].
pub fn stage_from<T: Serialize + DeserializeOwned + Default>(
    stage: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<T, SettingsError> {
    let prefix = format!("TRIBUTARY_{}__", stage.to_uppercase());
    let defaults = Serialized::defaults(T::default());
    let shape =
        Value::serialize(T::default()).map_err(|error| SettingsError::of(&prefix, complaint(&error.kind)))?;

    let mut overlay = Dict::new();
    for (name, text) in variables {
        let Some(key) = name.strip_prefix(&prefix) else { continue };
        let path: Vec<String> = key.split("__").map(str::to_lowercase).collect();
        insert(&mut overlay, &path, typed(&shape, &path, text)).map_err(|()| {
            SettingsError::of(&name, "contradicts another variable that goes into or around it")
        })?;
    }

    Figment::from(defaults).merge(Serialized::defaults(overlay)).extract().map_err(|error| {
        let problems = error.into_iter().map(|one| (variable(&prefix, &one), complaint(&one.kind))).collect();
        SettingsError { problems }
    })
}

/// A value is read as text where the default is text, so that a password of digits stays a password; elsewhere it is
/// read as the number, flag or list that it looks like.
fn typed(shape: &Value, path: &[String], text: String) -> Value {
    let mut place = Some(shape);
    for key in path {
        place = place.and_then(Value::as_dict).and_then(|dict| dict.get(key));
    }
    match place {
        Some(Value::String(..)) => Value::from(text),
        _ => text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {}),
    }
}

fn insert(dict: &mut Dict, path: &[String], value: Value) -> Result<(), ()> {
    match path {
        [] => Err(()),
        [last] => match dict.insert(last.clone(), value) {
            None => Ok(()),
            Some(_) => Err(()),
        },
        [first, rest @ ..] => match dict.entry(first.clone()).or_insert_with(|| Value::from(Dict::new())) {
            Value::Dict(_, inner) => insert(inner, rest, value),
            _ => Err(()),
        },
    }
}

fn variable(prefix: &str, error: &figment::Error) -> String {
    let mut path = error.path.clone();
    let named = match &error.kind {
        Kind::UnknownField(name, _) => Some(name.clone()),
        Kind::MissingField(name) => Some(name.to_string()),
        _ => None,
    };
    if let Some(name) = named
        && path.last() != Some(&name)
    {
        path.push(name);
    }
    format!("{prefix}{}", path.join("__").to_uppercase())
}

/// What is wrong, without the value: it might be a secret.
fn complaint(kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => {
            let known: Vec<_> = known.iter().map(|name| name.to_uppercase()).collect();
            format!("sets nothing; this stage knows {}", known.join(", "))
        }
        Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
        Kind::MissingField(_) => "is missing".to_owned(),
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected) => {
            format!("does not fit: {expected} is expected")
        }
        Kind::Message(message) => format!("does not fit: {message}"),
        _ => "does not fit its setting".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        listen: SocketAddr,
        label: String,
        limit: Option<u32>,
        flush: Flush,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Flush {
        size: usize,
        #[serde(with = "humantime_serde")]
        every: Duration,
    }

    impl Default for Sample {
        fn default() -> Self {
            let flush = Flush { size: 1000, every: Duration::from_secs(1) };
            Self { listen: ([127, 0, 0, 1], 7704).into(), label: String::new(), limit: None, flush }
        }
    }

    fn read(variables: &[(&str, &str)]) -> Result<Sample, SettingsError> {
        stage_from("sample", variables.iter().map(|(name, value)| (name.to_string(), value.to_string())))
    }

    #[test]
    fn variables_overlay_the_defaults_also_where_they_are_nested() {
        let sample = read(&[
            ("TRIBUTARY_SAMPLE__LISTEN", "0.0.0.0:9000"),
            ("TRIBUTARY_SAMPLE__LIMIT", "7"),
            ("TRIBUTARY_SAMPLE__FLUSH__EVERY", "250ms"),
            ("TRIBUTARY_OTHER__LISTEN", "not looked at"),
        ])
        .unwrap();
        assert_eq!(sample.listen, ([0, 0, 0, 0], 9000).into());
        assert_eq!(sample.limit, Some(7));
        assert_eq!(sample.flush, Flush { size: 1000, every: Duration::from_millis(250) });
    }

    #[test]
    fn a_text_of_digits_stays_a_text() {
        assert_eq!(read(&[("TRIBUTARY_SAMPLE__LABEL", "0042")]).unwrap().label, "0042");
    }

    #[test]
    fn a_misspelt_variable_is_refused_by_its_own_name() {
        for name in ["TRIBUTARY_SAMPLE__LISTNE", "TRIBUTARY_SAMPLE__FLUSH__SIZES"] {
            let error = read(&[(name, "1")]).unwrap_err();
            assert_eq!(error.problems().next().unwrap().0, name);
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_but_not_repeated() {
        for name in ["TRIBUTARY_SAMPLE__LISTEN", "TRIBUTARY_SAMPLE__FLUSH__SIZE"] {
            let error = read(&[(name, "hunter2")]).unwrap_err();
            assert_eq!(error.problems().next().unwrap().0, name);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_variable_cannot_be_both_a_value_and_a_group() {
        let twice = [("TRIBUTARY_SAMPLE__FLUSH", "1"), ("TRIBUTARY_SAMPLE__FLUSH__SIZE", "2")];
        assert!(read(&twice).is_err());
    }
}
