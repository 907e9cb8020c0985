//! The headers of a webhook: what can be sent as one, and what the mesh says itself.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use http::header::HeaderName;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::credentials::is_secret;
use crate::at::At;
use crate::error::{Origin, Problems};
use crate::secrets::{SecretError, SecretRef, SecretSpec, process_environment};

/// What is said with every request by the mesh or by HTTP itself: a document's would be overwritten, or break the request.
const RESERVED: [&str; 15] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// A secret.
    Secret(SecretRef),
    /// Written in the document.
    Text(String),
}

impl HeaderValue {
    /// The value, from the process's environment and files where it is a secret. `wanted_by` says in an error what needs it,
    /// like `Destination crm`.
    ///
    /// # Errors
    /// The secret is missing.
    pub fn resolve(&self, wanted_by: &str) -> Result<SecretString, SecretError> {
        match self {
            HeaderValue::Text(text) => Ok(SecretString::from(text.as_str())),
            HeaderValue::Secret(reference) => reference.resolve(wanted_by, &process_environment),
        }
    }
}

/// A header's value: one of the three.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Header", extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct HeaderSpec {
    /// An environment variable that holds it; else a file of this name in the directory that `TRIBUTARY_SECRETS` names.
    #[serde(default)]
    env: Option<String>,
    /// A file that holds it: its path in the directory that `TRIBUTARY_SECRETS` names, or its whole path below /run/secrets.
    #[serde(default)]
    file: Option<PathBuf>,
    /// The value itself: nothing secret.
    #[serde(default)]
    value: Option<String>,
}

/// Reads headers by their names as they are written; what is wrong with one is told and the one left out.
pub(crate) fn read(
    specs: BTreeMap<String, At<HeaderSpec>>,
    origin: &Origin,
    problems: &mut Problems,
) -> Vec<(String, HeaderValue)> {
    let mut headers = Vec::new();
    let mut seen = HashSet::new();
    for (name, spec) in specs {
        let read = match check_name(&name) {
            Ok(normal) if !seen.insert(normal.clone()) => {
                Err(format!("{name}: this header is there already"))
            }
            Ok(_) => value(&name, spec.value).map_err(|reason| format!("{name}: {reason}")),
            Err(reason) => Err(reason),
        };
        match read {
            Ok(value) => headers.push((name, value)),
            Err(reason) => problems.add(origin, spec.place, reason),
        }
    }
    headers
}

/// The name as headers are compared.
fn check_name(name: &str) -> Result<HeaderName, String> {
    let normal = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("{name:?} cannot be the name of a header"))?;
    if RESERVED.contains(&normal.as_str()) {
        return Err(format!("{name}: every request has this header already; leave it out"));
    }
    Ok(normal)
}

/// What a header's value is. What is refused is never quoted: it may be a secret that is written out.
fn value(name: &str, spec: HeaderSpec) -> Result<HeaderValue, String> {
    match (spec.env, spec.file, spec.value) {
        (None, None, Some(text)) if is_secret(name, &text) => Err(
            "a secret is never written in a document: say where it is with `{env: NAME}`, a variable or a file in \
             TRIBUTARY_SECRETS, or `{file: PATH}`"
                .to_string(),
        ),
        (None, None, Some(text)) if !text.is_ascii() || http::HeaderValue::from_str(&text).is_err() => {
            Err("a header's value has printable ASCII characters only".to_string())
        }
        (None, None, Some(text)) => Ok(HeaderValue::Text(text)),
        (env @ Some(_), None, None) => SecretSpec { env, file: None }.into_ref().map(HeaderValue::Secret),
        (None, file @ Some(_), None) => SecretSpec { env: None, file }.into_ref().map(HeaderValue::Secret),
        _ => Err("a header is one of env: NAME, file: PATH and value: TEXT".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(yaml: &str) -> Result<HeaderValue, String> {
        value("X-Sender", serde_saphyr::from_str(yaml).unwrap())
    }

    #[test]
    fn what_the_mesh_or_http_says_itself_is_no_header_of_a_document() {
        for name in ["Content-Length", "HOST", "transfer-encoding", "Content-Type", "Idempotency-Key"] {
            assert!(check_name(name).unwrap_err().contains("has this header already"), "{name}");
        }
        for name in ["", "a b", "a:", "é"] {
            assert!(check_name(name).unwrap_err().contains("cannot be the name"), "{name}");
        }
        for name in ["Authorization", "User-Agent", "X-Sender"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        assert!(
            RESERVED.iter().all(|name| HeaderName::from_bytes(name.as_bytes()).unwrap().as_str() == *name)
        );
    }

    #[test]
    fn a_value_is_written_or_comes_from_the_environment_or_a_file() {
        assert_eq!(said("{value: 'a b'}"), Ok(HeaderValue::Text("a b".into())));
        assert_eq!(said("{env: TOKEN}"), Ok(HeaderValue::Secret(SecretRef::Env("TOKEN".into()))));
        let file = PathBuf::from("crm/token");
        assert_eq!(said("{file: crm/token}"), Ok(HeaderValue::Secret(SecretRef::File(file))));
        assert!(said("{value: grüezi}").is_err() && said("{value: \"a\\nb\"}").is_err());
        assert!(said("{file: ../token}").is_err() && said("{env: DATABASE_URL}").is_err());
        assert!(said("{}").is_err() && said("{env: A, value: b}").is_err());
    }

    #[test]
    fn a_secret_that_is_written_out_is_refused_and_not_told() {
        let spec = serde_saphyr::from_str("{value: sk_live_123}").unwrap();
        let refused = value("Authorization", spec).unwrap_err();
        assert!(refused.contains("{env: NAME}") && !refused.contains("sk_live"), "{refused}");
        assert!(!said("{value: 'Bearer sk_live_123'}").unwrap_err().contains("sk_live"));
    }
}
