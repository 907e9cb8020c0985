//! `Destination`: an external system that profiles are sent to.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{DocumentKind, Draft, Text};
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::names;
use crate::secrets::{SecretError, SecretErrors, SecretRef, process_environment};

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

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// A secret.
    Secret(SecretRef),
    /// Written in the document.
    Text(String),
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

/// A header's value: one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HeaderSpec {
    /// An environment variable that holds it; else a file of this name in the directory that `TRIBUTARY_SECRETS` names.
    #[serde(default)]
    env: Option<String>,
    /// The value itself: nothing secret.
    #[serde(default)]
    value: Option<String>,
}

/// When a changed profile is sent.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
        let headers = checks.headers(spec.webhook.headers);
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

/// A day in milliseconds: longer waits belong to whoever makes the events.
const DAY: u64 = 86_400_000;

struct Checks<'c> {
    origin: &'c Origin,
    problems: &'c mut Problems,
}

impl Checks<'_> {
    fn wrong(&mut self, place: Place, reason: impl Into<String>) {
        self.problems.add(self.origin, place, reason);
    }

    fn url(&mut self, text: &At<String>) -> Option<Url> {
        let reason = match Url::parse(&text.value) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                format!("the url's scheme is {}, only http and https can be delivered to", url.scheme())
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "the url holds credentials; put them into a header with env".to_string()
            }
            Ok(url) => return Some(url),
            Err(error) => format!("not a url: {error}"),
        };
        self.wrong(text.place, reason);
        None
    }

    fn headers(&mut self, specs: BTreeMap<String, At<HeaderSpec>>) -> Vec<(String, HeaderValue)> {
        let mut headers = Vec::new();
        for (name, spec) in specs {
            let value = match (spec.value.env, spec.value.value) {
                (Some(env), None) => {
                    names::check_env_name(&env).map(|()| HeaderValue::Secret(SecretRef::Env(env)))
                }
                (None, Some(text)) if text.chars().any(char::is_control) => {
                    Err("a header's value cannot have control characters".to_string())
                }
                (None, Some(text)) => Ok(HeaderValue::Text(text)),
                _ => Err("a header is either env: NAME or value: TEXT".to_string()),
            };
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            match value {
                _ if name.is_empty() || !name.chars().all(is_token) => {
                    self.wrong(spec.place, format!("{name:?} cannot be the name of a header"));
                }
                Ok(value) => headers.push((name, value)),
                Err(reason) => self.wrong(spec.place, format!("{name}: {reason}")),
            }
        }
        headers
    }

    /// A duration like `10s`; `default` and `range` are milliseconds.
    fn duration(
        &mut self,
        name: &str,
        text: Option<At<String>>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Duration {
        let default = Duration::from_millis(default);
        let Some(text) = text else { return default };
        let (least, most) = (Duration::from_millis(*range.start()), Duration::from_millis(*range.end()));
        let reason = match humantime::parse_duration(&text.value) {
            Ok(duration) if (least..=most).contains(&duration) => return duration,
            Ok(_) => format!(
                "{name} must be between {} and {}",
                humantime::format_duration(least),
                humantime::format_duration(most)
            ),
            Err(_) => format!("{name}: {:?} is not a duration like 500ms, 10s or 5m", text.value),
        };
        self.wrong(text.place, reason);
        default
    }

    fn number<N: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        name: &str,
        number: Option<At<N>>,
        default: N,
        range: RangeInclusive<N>,
    ) -> N {
        match number {
            None => default,
            Some(number) if range.contains(&number.value) => number.value,
            Some(number) => {
                let reason = format!("{name} must be between {} and {}", range.start(), range.end());
                self.wrong(number.place, reason);
                default
            }
        }
    }
}
