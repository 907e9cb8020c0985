//! The event to run, as the command line has it.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};
use tonic::Request;
use tributary_proto::{raw::RawStruct, v1};

use crate::{cli::Usage, errors, mesh::Mesh};

/// A name and a value.
type Property = (String, Value);

/// A JSON object.
type Object = Map<String, Value>;

/// What happened, whom it is about, and on what workflows run.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Described {
    /// One property; may be repeated, and wins over --properties.
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    property: Vec<Property>,
    /// All properties, as a JSON object.
    #[arg(long, value_name = "JSON", value_parser = object)]
    properties: Option<Object>,
    /// Whom it is about.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) profile: Option<String>,
    /// The session, if any.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The source to record it as; may be left out where the tenant has a single one.
    #[arg(long)]
    source: Option<String>,
    /// Only this workflow, whatever events its trigger names.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) workflow: Option<String>,
    /// Nothing is written: the profile's fields as a JSON object, in place of what is stored.
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(crate) profile_json: Option<Object>,
    /// Nothing is written: a file with what calls are answered, by node: {ask: {status: 200, body: {…}}}, or {ask: {error:
    /// TIMED_OUT}}; YAML or JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
}

impl Described {
    /// Whether anything is said that an event which is recorded already cannot be told.
    pub(crate) fn is_something(&self) -> bool {
        !self.property.is_empty()
            || self.properties.is_some()
            || self.session.is_some()
            || self.source.is_some()
            || self.workflow.is_some()
            || self.profile_json.is_some()
            || self.answers.is_some()
    }

    /// Whether more than a workflow and a profile is chosen.
    pub(crate) fn says_more_than_workflow_and_profile(&self) -> bool {
        Described { workflow: None, ..self.clone() }.is_something()
    }

    /// As the mesh is asked to run it. The event is of `event_type`, or the stored one of `event_id`, or none.
    ///
    /// # Errors
    /// The file of answers cannot be read, or the source is not known.
    pub(crate) async fn request(
        &self,
        mesh: &Mesh,
        event_type: &str,
        event_id: &str,
    ) -> anyhow::Result<v1::RunRequest> {
        let said = self.properties.is_some() || !self.property.is_empty();
        let source = match &self.source {
            Some(given) => given.clone(),
            // That event says it.
            None if !event_id.is_empty() => String::new(),
            None => source(mesh).await?,
        };
        let answers = self.answers.as_deref().map(read_answers).transpose()?;
        Ok(v1::RunRequest {
            source,
            event_type: event_type.to_owned(),
            event_id: event_id.to_owned(),
            properties: (said || event_id.is_empty()).then(|| self.merged()),
            profile_id: self.profile.clone().unwrap_or_default(),
            session_id: self.session.clone().unwrap_or_default(),
            workflow: self.workflow.clone().unwrap_or_default(),
            profile: self.profile_json.as_ref().map(RawStruct::from_object),
            answers: answers.as_ref().map(RawStruct::from_object),
            ..v1::RunRequest::default()
        })
    }

    /// All properties together, single ones last.
    fn merged(&self) -> RawStruct {
        let mut merged = self.properties.clone().unwrap_or_default();
        merged.extend(self.property.iter().cloned());
        RawStruct::from_object(&merged)
    }
}

/// What a type has to be, so that the mesh takes it.
pub(crate) fn event_type(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a type has 1 to 128 bytes and no control characters".to_owned())
    }
}

/// `NAME=VALUE`: the value is JSON where it is that, else text.
fn property(text: &str) -> Result<Property, String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("not NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

fn object(text: &str) -> Result<Object, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

/// YAML, and therefore JSON too.
fn read_answers(path: &std::path::Path) -> anyhow::Result<Object> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_saphyr::from_str(&text)
        .with_context(|| format!("{}: write it like {{node: {{status: 200, body: {{}}}}}}", path.display()))
}

/// The tenant's only one.
async fn source(mesh: &Mesh) -> anyhow::Result<String> {
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
            let either = several.join(" or --source ");
            Err(Usage(format!("name the source to record it as: --source {either}")).into())
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
        let all = Some(object(r#"{"a": 1, "b": 2}"#).unwrap());
        let described =
            Described { properties: all, property: vec![property("b=3").unwrap()], ..Described::default() };
        assert_eq!(Value::Object(described.merged().to_object().unwrap()), json!({"a": 1, "b": 3}));
    }

    #[tokio::test]
    async fn of_a_stored_event_only_what_is_said_anew_is_said() {
        let mesh = Mesh::default();
        let request = Described::default().request(&mesh, "", "e-1").await.unwrap();
        assert_eq!(request, v1::RunRequest { event_id: "e-1".into(), ..v1::RunRequest::default() });
        let described = Described { property: vec![property("b=3").unwrap()], ..Described::default() };
        let request = described.request(&mesh, "", "e-1").await.unwrap();
        assert!(request.properties.is_some());
    }

    #[test]
    fn answers_are_yaml_or_json() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "ask:\n  status: 200\n  body: {score: 7}\n").unwrap();
        let answers = read_answers(file.path()).unwrap();
        assert_eq!(answers["ask"], json!({"status": 200, "body": {"score": 7}}));
        fs::write(file.path(), r#"{"ask": {"port": "high"}}"#).unwrap();
        assert_eq!(read_answers(file.path()).unwrap()["ask"], json!({"port": "high"}));
        fs::write(file.path(), "- a").unwrap();
        let wrong = format!("{:#}", read_answers(file.path()).unwrap_err());
        assert!(wrong.contains("write it like {node: {status: 200"), "{wrong}");
    }
}
