//! What every process of one mesh must be told, and told alike.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use super::SettingsError;
use crate::auth::{AdminKeys, MeshCredential};

/// How sure a stage must be that an append survives before it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Redis has synced the append to disk.
    #[default]
    Fsync,
    /// Redis has the append in memory and will sync it within about a second.
    Relaxed,
}

/// The settings that all stages share. Secrets have no default and none is ever guessed.
#[derive(Debug, Clone)]
pub struct SharedSettings {
    /// `REDIS_URL`: where the streams are. Secret, because a URL may carry a password.
    pub redis_url: SecretString,
    /// `DATABASE_URL`: the Postgres database. Secret, because a URL may carry a password.
    pub database_url: SecretString,
    /// `TRIBUTARY_CONFIG`: the directory of the first configuration. The collector applies it where nothing was applied
    /// yet; no other stage reads it, and it may be left out.
    pub config: Option<PathBuf>,
    /// `TRIBUTARY_MESH_CREDENTIAL`: what one stage shows to another; at least 16 characters.
    pub mesh_credential: MeshCredential,
    /// `TRIBUTARY_ID_KEY`: keys the MAC of the ids that the mesh makes; at least 16 characters. Changing it makes every
    /// id made so far untrusted.
    pub id_key: SecretString,
    /// `TRIBUTARY_ADMIN_KEYS`: `tenant:key`, separated by spaces; each key of at least 16 characters.
    pub admin_keys: AdminKeys,
    /// `TRIBUTARY_PARTITIONS`: 1 to 1024, by default 32. Fixed for the life of a deployment.
    pub partitions: u16,
    /// `TRIBUTARY_DEDUP_WINDOW`: how long a retried event or request is recognised; by default one hour.
    pub dedup_window: Duration,
    /// `TRIBUTARY_VISIT_TIMEOUT`: the idle gap that ends a visit; by default 30 minutes.
    pub visit_timeout: Duration,
    /// `TRIBUTARY_LEASE`: how long an owner that says nothing keeps its partition; by default 10 seconds.
    pub lease: Duration,
    /// `TRIBUTARY_DURABILITY`: `fsync` (the default) or `relaxed`.
    pub durability: Durability,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where spans are sent by OTLP over gRPC; without it none are.
    pub otlp_endpoint: Option<String>,
    /// `TRIBUTARY_LOG`: which log lines are written, like `info,tributary_collector=debug`; by default `info`.
    pub log: String,
    /// `TRIBUTARY_TRACE_RATIO`: the share of traces begun here that are recorded, 0 to 1, by default 1. A trace begun by
    /// a caller keeps the caller's decision.
    pub trace_ratio: f64,
}

impl SharedSettings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// All missing and all unusable variables, in one error.
    pub fn load() -> Result<Self, SettingsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads from anything that answers by variable name; tests pass a closure and leave the environment alone. An empty
    /// value counts as absent, as shells and compose files make them by accident.
    ///
    /// # Errors
    /// As [`SharedSettings::load`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut read = Reader { lookup, problems: Vec::new() };
        let hour = Duration::from_secs(3600);
        let settings = Self {
            redis_url: read.secret("REDIS_URL", 1, "where Redis listens, like redis://127.0.0.1:6379").into(),
            database_url: read
                .secret("DATABASE_URL", 1, "the Postgres database, like postgres:///tributary")
                .into(),
            config: read.optional("TRIBUTARY_CONFIG").map(PathBuf::from),
            mesh_credential: MeshCredential::new(read.secret(
                "TRIBUTARY_MESH_CREDENTIAL",
                16,
                "the secret that stages show each other; the same for all of them",
            )),
            id_key: read
                .secret(
                    "TRIBUTARY_ID_KEY",
                    16,
                    "the secret that marks ids made by this mesh; never change it",
                )
                .into(),
            admin_keys: {
                let keys = read.secret(
                    "TRIBUTARY_ADMIN_KEYS",
                    1,
                    "who may administer: tenant:key, separated by spaces",
                );
                // An empty one was already reported as missing.
                let keys = if keys.is_empty() { Ok(AdminKeys::default()) } else { AdminKeys::parse(&keys) };
                read.accept("TRIBUTARY_ADMIN_KEYS", keys, AdminKeys::default())
            },
            partitions: read.parsed("TRIBUTARY_PARTITIONS", 32, partitions),
            dedup_window: read.parsed("TRIBUTARY_DEDUP_WINDOW", hour, duration),
            visit_timeout: read.parsed("TRIBUTARY_VISIT_TIMEOUT", hour / 2, duration),
            lease: read.parsed("TRIBUTARY_LEASE", Duration::from_secs(10), duration),
            durability: read.parsed("TRIBUTARY_DURABILITY", Durability::Fsync, durability),
            otlp_endpoint: read.optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
            log: read.parsed("TRIBUTARY_LOG", "info".to_owned(), log_filter),
            trace_ratio: read.parsed("TRIBUTARY_TRACE_RATIO", 1.0, ratio),
        };
        SettingsError::check(read.problems)?;
        Ok(settings)
    }
}

/// Reads one variable after the other and remembers what was wrong instead of stopping there.
struct Reader<F> {
    lookup: F,
    problems: Vec<(String, String)>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn secret(&mut self, name: &str, least: usize, what: &str) -> String {
        let value = self.optional(name).unwrap_or_default();
        if value.is_empty() {
            self.problems.push((name.to_owned(), format!("is missing: {what}")));
        } else if value.len() < least {
            self.problems
                .push((name.to_owned(), format!("is too short: at least {least} characters are needed")));
        }
        value
    }

    fn parsed<T>(&mut self, name: &str, default: T, parse: fn(&str) -> Result<T, String>) -> T {
        match self.optional(name) {
            None => default,
            Some(value) => {
                let value = parse(&value);
                self.accept(name, value, default)
            }
        }
    }

    fn accept<T>(&mut self, name: &str, value: Result<T, String>, instead: T) -> T {
        value.unwrap_or_else(|complaint| {
            self.problems.push((name.to_owned(), complaint));
            instead
        })
    }
}

fn partitions(text: &str) -> Result<u16, String> {
    let parsed: Option<u16> = text.parse().ok();
    parsed
        .filter(|count| (1..=1024).contains(count))
        .ok_or_else(|| "must be a whole number from 1 to 1024".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text).ok();
    parsed.filter(|length| !length.is_zero()).ok_or_else(|| {
        "must be a length of time above zero with its unit, like 30s, 10m or 1h 30m".to_owned()
    })
}

fn durability(text: &str) -> Result<Durability, String> {
    match text {
        "fsync" => Ok(Durability::Fsync),
        "relaxed" => Ok(Durability::Relaxed),
        _ => Err("must be fsync or relaxed".to_owned()),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("is not a log filter like info,tributary_ingest=debug: {error}")),
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let parsed: Option<f64> = text.parse().ok();
    parsed
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        let value = match name {
            "REDIS_URL" => "redis://127.0.0.1",
            "DATABASE_URL" => "postgres:///tributary",
            "TRIBUTARY_MESH_CREDENTIAL" => "mesh-credential-0123456789",
            "TRIBUTARY_ID_KEY" => "id-key-0123456789",
            "TRIBUTARY_ADMIN_KEYS" => "acme:s3cret-0123456789 globex:other-0123456789",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn all_that_has_a_default_may_be_left_out() {
        let settings = SharedSettings::from_lookup(complete).unwrap();
        assert_eq!(settings.partitions, 32);
        assert_eq!(settings.dedup_window, Duration::from_secs(3600));
        assert_eq!(settings.visit_timeout, Duration::from_secs(1800));
        assert_eq!(settings.lease, Duration::from_secs(10));
        assert_eq!(settings.durability, Durability::Fsync);
        assert_eq!(settings.log, "info");
    }

    #[test]
    fn every_missing_secret_is_named_in_one_error() {
        let error = SharedSettings::from_lookup(|_| None).unwrap_err();
        let named: Vec<_> = error.problems().map(|(variable, _)| variable).collect();
        let secrets = [
            "REDIS_URL",
            "DATABASE_URL",
            "TRIBUTARY_MESH_CREDENTIAL",
            "TRIBUTARY_ID_KEY",
            "TRIBUTARY_ADMIN_KEYS",
        ];
        assert_eq!(named, secrets);
    }

    #[test]
    fn wrong_values_are_reported_together_and_never_fall_back_to_a_default() {
        let wrong = |name: &str| match name {
            "TRIBUTARY_PARTITIONS" => Some("1025".to_owned()),
            "TRIBUTARY_LEASE" => Some("10".to_owned()),
            "TRIBUTARY_DURABILITY" => Some("maybe".to_owned()),
            "TRIBUTARY_TRACE_RATIO" => Some("NaN".to_owned()),
            _ => complete(name),
        };
        let error = SharedSettings::from_lookup(wrong).unwrap_err();
        assert_eq!(error.problems().count(), 4, "{error}");
    }

    #[test]
    fn a_secret_is_shown_neither_by_errors_nor_by_debug() {
        let odd = |name: &str| match name {
            "TRIBUTARY_ADMIN_KEYS" => Some("hunter2".to_owned()),
            "TRIBUTARY_ID_KEY" => Some("short-secret".to_owned()),
            _ => complete(name),
        };
        let said = SharedSettings::from_lookup(odd).unwrap_err().to_string();
        assert!(!said.contains("hunter2") && !said.contains("short-secret"), "{said}");
        let shown = format!("{:?}", SharedSettings::from_lookup(complete).unwrap());
        assert!(!shown.contains("s3cret") && !shown.contains("0123456789"), "{shown}");
    }
}
