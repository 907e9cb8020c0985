//! The headers that a node's request is configured with, their secrets resolved when they are needed: a secret that is renewed
//! is the new one with the next call, and none is kept with a run.

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use tributary_config::Workflow;
use tributary_engine::CallError;

use super::failure;

/// The headers of a node.
///
/// # Errors
/// `SECRET_MISSING`, naming the secret; `REFUSED` where a value can be no header.
pub(super) fn of(workflow: &Workflow, node: &str) -> Result<HeaderMap, CallError> {
    let mut headers = HeaderMap::new();
    let wanted_by = format!("Workflow {}, node {node}", workflow.name);
    for (name, value) in workflow.headers.get(node).into_iter().flatten() {
        let text =
            value.resolve(&wanted_by).map_err(|missing| failure::secret_missing(missing.to_string()))?;
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(text.expose_secret()));
        let (Ok(name), Ok(mut value)) = pair else {
            return Err(failure::refused(format!("{wanted_by}: the header {name} cannot be sent")));
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
