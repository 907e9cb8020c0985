//! The event to run, as the command line has it.

use std::time::Duration;

use serde_json::{Map, Value};
use tonic::Request;
use tributary_proto::{raw::RawStruct, v1};

use crate::{errors, mesh::Mesh};

/// A name and a value.
pub(super) type Property = (String, Value);

/// All properties at once.
pub(super) type Properties = Map<String, Value>;

/// What a type has to be, so that the mesh takes it.
pub(super) fn event_type(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a type has 1 to 128 bytes and no control characters".to_owned())
    }
}

/// `NAME=VALUE`: the value is JSON where it is that, else text.
pub(super) fn property(text: &str) -> Result<Property, String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("not NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

/// A JSON object.
pub(super) fn properties(text: &str) -> Result<Properties, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

/// All together, single ones last.
pub(super) fn merged(all: Option<&Properties>, single: &[Property]) -> RawStruct {
    let mut merged = all.cloned().unwrap_or_default();
    merged.extend(single.iter().cloned());
    RawStruct::from_object(&merged)
}

/// The source that was given, else the tenant's only one.
pub(super) async fn source(mesh: &Mesh, given: Option<String>) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given);
    }
    let (place, mut client) = mesh.configuration(None, &[mesh.admin_key()?])?;
    let mut request =
        Request::new(v1::ConfigServiceListRequest { kind: "Source".into(), revision: String::new() });
    request.set_timeout(Duration::from_secs(10));
    let answer = client.list(request).await.map_err(|status| errors::of_call(&place, &status))?.into_inner();
    let names: Vec<String> = answer.documents.into_iter().map(|document| document.name).collect();
    match &names[..] {
        [only] => Ok(only.clone()),
        [] => anyhow::bail!("no source is configured: `tributary apply DIR` configures one"),
        several => {
            anyhow::bail!("name the source to record it as: --source {}", several.join(" or --source "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_json_where_it_is_that_and_else_text() {
        for (text, value) in [
            ("x=30", json!(30)),
            ("x=true", json!(true)),
            ("x=[1]", json!([1])),
            ("x=\"30\"", json!("30")),
            ("x=web shop", json!("web shop")),
            ("x=a=b", json!("a=b")),
            ("x=", json!("")),
        ] {
            assert_eq!(property(text).unwrap(), ("x".to_owned(), value), "{text}");
        }
        assert!(property("x").is_err() && property("=1").is_err());
        assert!(event_type("page-view").is_ok() && event_type("").is_err() && event_type("a\nb").is_err());
    }

    #[test]
    fn a_single_property_wins_over_all() {
        let all = properties(r#"{"a": 1, "b": 2}"#).unwrap();
        let merged = merged(Some(&all), &[property("b=3").unwrap()]).to_object().unwrap();
        assert_eq!(Value::Object(merged), json!({"a": 1, "b": 3}));
    }
}
