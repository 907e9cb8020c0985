//! What a request to apply says, checked as far as that needs no other document.

use std::time::Duration;

use tributary_config::Document;
use tributary_proto::v1;

use super::{apply::Intent, error::ConfigurationError};

/// The most documents that a request, or a tenant, may have.
pub(super) const MOST_DOCUMENTS: usize = 2000;
/// The most text that the documents of a request, or of a tenant, may have, in bytes.
pub(super) const MOST_TEXT: usize = 1 << 20;
const MOST_NOTE: usize = 512;
/// A kind, a name, a file: none of the three has a reason to be longer.
const MOST_LABEL: usize = 512;

const DEFAULT_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The documents and what to do with them, for a caller who showed the keys of `tenants`.
pub(crate) fn intent(request: v1::ApplyRequest, tenants: &[String]) -> Result<Intent, ConfigurationError> {
    let v1::ApplyRequest { documents, prune, dry_run, base_revision, wait: _, note } = request;
    // Before anything is said about a document: who may not have it configured is told nothing else.
    if let Some(foreign) = documents.iter().find(|document| !tenants.contains(&document.tenant)) {
        let shown: String = foreign.tenant.chars().filter(|c| !c.is_control()).take(64).collect();
        return Err(ConfigurationError::NotAuthorised(shown));
    }
    if documents.is_empty() {
        return Err(wrong("documents", "there is no document to apply"));
    }
    within_limits(documents.len(), documents.iter().map(|document| document.text.len()).sum(), "a request")?;
    checked_note(&note)?;
    let documents = documents.into_iter().enumerate().map(document).collect::<Result<Vec<_>, _>>()?;
    let tenants = documents.iter().map(|document| document.tenant.clone()).collect();
    Ok(Intent { tenants, documents, prune, dry_run, base: base_revision, note })
}

/// Why, for the history.
pub(super) fn checked_note(note: &str) -> Result<(), ConfigurationError> {
    if note.len() > MOST_NOTE || note.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(wrong("note", "at most 512 bytes of text, without control characters"));
    }
    Ok(())
}

/// How long to wait for the stages.
pub(crate) fn wait(asked: Option<prost_types::Duration>) -> Result<Duration, ConfigurationError> {
    let Some(asked) = asked else { return Ok(DEFAULT_WAIT) };
    let wait = Duration::try_from(asked).ok().filter(|wait| *wait <= LONGEST_WAIT);
    wait.ok_or_else(|| wrong("wait", "0 to 60 seconds"))
}

/// Refuses more than `whose` documents may be.
pub(super) fn within_limits(documents: usize, text: usize, whose: &str) -> Result<(), ConfigurationError> {
    if documents > MOST_DOCUMENTS || text > MOST_TEXT {
        return Err(ConfigurationError::TooLarge(format!(
            "{whose} has at most {MOST_DOCUMENTS} documents and {MOST_TEXT} bytes of them; \
             these are {documents} documents and {text} bytes"
        )));
    }
    Ok(())
}

fn document((place, document): (usize, v1::Document)) -> Result<Document, ConfigurationError> {
    let v1::Document { tenant, kind, name, file, line, text } = document;
    let labels = [&kind, &name, &file];
    if labels.iter().any(|label| label.len() > MOST_LABEL || label.chars().any(char::is_control)) {
        let reason = format!("document {place}: kind, name and file are words of at most {MOST_LABEL} bytes");
        return Err(wrong("documents", reason));
    }
    if text.contains('\0') {
        // Postgres cannot hold it, and YAML forbids it.
        return Err(wrong("documents", format!("document {place} ({file}): U+0000 in its text")));
    }
    Ok(Document { tenant, kind, name, file, line: line.max(1), text })
}

fn wrong(field: &'static str, reason: impl Into<String>) -> ConfigurationError {
    ConfigurationError::Request { field, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use tributary_runtime::ServiceError as _;

    use super::*;

    fn request(documents: usize, text: &str) -> v1::ApplyRequest {
        let document = v1::Document { tenant: "demo".into(), text: text.into(), ..Default::default() };
        v1::ApplyRequest { documents: vec![document; documents], ..Default::default() }
    }

    fn reason(request: v1::ApplyRequest) -> &'static str {
        intent(request, &["demo".to_owned()]).unwrap_err().problem().reason
    }

    #[test]
    fn what_is_too_much_or_cannot_be_kept_is_refused() {
        assert_eq!(reason(request(0, "")), "CONFIG_REQUEST_INVALID");
        assert_eq!(reason(request(MOST_DOCUMENTS + 1, "")), "CONFIG_TOO_LARGE");
        assert_eq!(reason(request(2, &"x".repeat(MOST_TEXT / 2 + 1))), "CONFIG_TOO_LARGE");
        assert_eq!(reason(request(1, "\0")), "CONFIG_REQUEST_INVALID");
        let long = v1::ApplyRequest { note: "ä".repeat(257), ..request(1, "") };
        assert_eq!(reason(long), "CONFIG_REQUEST_INVALID");
        assert!(intent(request(MOST_DOCUMENTS, "x"), &["demo".to_owned()]).is_ok());
    }

    #[test]
    fn a_tenant_without_its_key_is_named_before_anything_else() {
        let mut request = request(MOST_DOCUMENTS + 1, "\0");
        request.documents[7].tenant = "other".into();
        let problem = intent(request, &["demo".to_owned()]).unwrap_err().problem();
        assert_eq!(problem.reason, "TENANT_NOT_AUTHORISED");
        assert_eq!(problem.resource.as_deref(), Some(&("tenant".to_owned(), "other".to_owned())));
        assert!(problem.violations.is_empty());
    }

    #[test]
    fn the_wait_has_a_default_and_an_end() {
        let of = |seconds| wait(Some(prost_types::Duration { seconds, nanos: 0 }));
        assert_eq!(wait(None).unwrap(), DEFAULT_WAIT);
        assert_eq!(of(0).unwrap(), Duration::ZERO);
        assert_eq!(of(60).unwrap(), LONGEST_WAIT);
        assert!(of(61).is_err() && of(-1).is_err());
    }
}
