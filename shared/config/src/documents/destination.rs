//! `Destination`: an external system that profiles are sent to.

mod checks;
mod credentials;
pub(crate) mod headers;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{DocumentKind, Draft, Text};
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::secrets::{SecretError, SecretErrors, process_environment};

use checks::{Checks, DAY};
use headers::HeaderSpec;
pub use headers::HeaderValue;

/// An external system and how it is treated.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Where and how to send.
    pub webhook: Webhook,
    /// When a changed profile is sent.
    pub profiles: Delivery,
    /// How often and how long after a failure it is tried again.
    pub retry: Retry,
    /// How many requests may be under way at a time, 1 to 256.
    pub concurrency: usize,
}

/// An HTTP receiver.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// An `http` or `https` address.
    pub url: Url,
    /// What is sent with every request; resolved by [`Destination::headers`].
    pub headers: Vec<(String, HeaderValue)>,
    /// How long one request may take, up to 5 minutes.
    pub timeout: Duration,
}

/// When a changed profile is sent: after a quiet period, but not later than the longest wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// How long a profile must not change before it is sent.
    pub quiet: Duration,
    /// How long the first unsent change waits at most.
    pub longest_wait: Duration,
}

/// How failures are tried again, with growing pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts altogether, 1 to 100; after the last one comes the dead letter.
    pub attempts: u32,
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Destination {
    /// The headers with their secrets, from the process's environment and files.
    ///
    /// # Errors
    /// Every secret that is missing.
    pub fn headers(&self) -> Result<Vec<(String, SecretString)>, SecretErrors> {
        self.headers_from(&process_environment)
    }

    /// Like [`Destination::headers`], with `environment` in place of the process's.
    ///
    /// # Errors
    /// Every secret that is missing.
    pub fn headers_from(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<(String, SecretString)>, SecretErrors> {
        let wanted_by = format!("Destination {}", self.name);
        let mut headers = Vec::new();
        let mut errors: Vec<SecretError> = Vec::new();
        for (name, value) in &self.webhook.headers {
            let value = match value {
                HeaderValue::Text(text) => Ok(SecretString::from(text.as_str())),
                HeaderValue::Secret(reference) => reference.resolve(&wanted_by, environment),
            };
            match value {
                Ok(value) => headers.push((name.clone(), value)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(headers) } else { Err(SecretErrors(errors)) }
    }
}

/// Where profiles are sent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Destination")]
pub(crate) struct DestinationSpec {
    webhook: WebhookSpec,
    #[serde(default)]
    profiles: Option<At<DeliverySpec>>,
    #[serde(default)]
    retry: Option<At<RetrySpec>>,
    /// How many requests may be under way at a time, 1 to 256; 8 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 256))]
    concurrency: Option<At<usize>>,
}

/// An HTTP receiver.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Webhook")]
struct WebhookSpec {
    /// An http or https address, without credentials.
    url: At<String>,
    /// What is sent with every request.
    #[serde(default)]
    headers: BTreeMap<String, At<HeaderSpec>>,
    /// How long one request may take, such as 10s, up to 5m; 10s when left out.
    #[serde(default)]
    timeout: Option<At<String>>,
}

/// When a changed profile is sent.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Delivery")]
struct DeliverySpec {
    /// How long a profile must not change before it is sent; 2s when left out.
    #[serde(default)]
    quiet: Option<At<String>>,
    /// How long the first unsent change waits at most; 30s when left out.
    #[serde(default)]
    longest_wait: Option<At<String>>,
}

/// How failures are tried again, with growing pauses.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Retry")]
struct RetrySpec {
    /// Attempts altogether, 1 to 100, then it is a dead letter; 5 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    attempts: Option<At<u32>>,
    /// The pause after the first failure; 1s when left out.
    #[serde(default)]
    first: Option<At<String>>,
    /// The longest pause; 5m when left out.
    #[serde(default)]
    longest: Option<At<String>>,
}

impl DocumentKind for Destination {
    const NAME: &'static str = "Destination";
    type Spec = DestinationSpec;

    fn read(spec: DestinationSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Destination> {
        let mut checks = Checks { origin: text.origin, problems };
        let url = checks.url(&spec.webhook.url);
        let headers = headers::read(spec.webhook.headers, checks.origin, checks.problems);
        let timeout = checks.duration("timeout", spec.webhook.timeout, 10_000, 1..=300_000);

        let (place, profiles) = taken_apart(spec.profiles);
        let profiles = Delivery {
            quiet: checks.duration("quiet", profiles.quiet, 2_000, 0..=DAY),
            longest_wait: checks.duration("longest_wait", profiles.longest_wait, 30_000, 1..=DAY),
        };
        if profiles.quiet > profiles.longest_wait {
            checks.wrong(place, "quiet is longer than longest_wait, so it would never be reached");
        }

        let (place, retry) = taken_apart(spec.retry);
        let retry = Retry {
            attempts: checks.number("attempts", retry.attempts, 5, 1..=100),
            first: checks.duration("first", retry.first, 1_000, 1..=DAY),
            longest: checks.duration("longest", retry.longest, 300_000, 1..=DAY),
        };
        if retry.first > retry.longest {
            checks.wrong(place, "the first pause is longer than the longest");
        }
        let concurrency = checks.number("concurrency", spec.concurrency, 8, 1..=256);
        let webhook = Webhook { url: url?, headers, timeout };
        let name = text.name.to_string();
        Some(Destination { name, webhook, profiles, retry, concurrency })
    }

    fn add_to(self, draft: &mut Draft, _origin: Origin) {
        draft.destinations.push(self);
    }
}

fn taken_apart<T: Default>(section: Option<At<T>>) -> (Place, T) {
    section.map_or_else(Default::default, |section| (section.place, section.value))
}
