//! References that a tenant must not make. Documents name secrets of the processes that run them, and whoever may apply a
//! document decides where a header goes: without this an administrator of one tenant could have the mesh's own secrets, or
//! another tenant's, sent to a server of theirs; and a write key of two sources would keep every stage from a revision.

use std::collections::HashSet;
use std::path::Path;

use tributary_config::{Config, Document, HeaderValue, SecretRef};

use super::{error::Wrong, judge::about};

/// The settings of the mesh itself that hold secrets.
const OF_THE_MESH: [&str; 5] =
    ["REDIS_URL", "DATABASE_URL", "TRIBUTARY_MESH_CREDENTIAL", "TRIBUTARY_ID_KEY", "TRIBUTARY_ADMIN_KEYS"];
/// Where the system shows a process to itself, its environment among it.
const OF_THE_SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The documents of `config` that refer to what is not theirs. `documents` are those that it was made of, `before` those of the
/// same tenants that are configured, `foreign` all of other tenants.
pub(super) fn misused(
    config: &Config,
    before: &[Document],
    foreign: &[Document],
    documents: &[Document],
) -> Vec<Wrong> {
    // Whoever administers two tenants may have them share a secret, and shows both keys for it once.
    let (own, taken) = (referred_to(before), referred_to(foreign));
    let mut wrong = Vec::new();
    for reference in references(config) {
        let secret = shown(reference.secret);
        let reason = if is_of_the_mesh(reference.secret) {
            "is a secret of the mesh itself; give this one a name of its own"
        } else if taken.contains(&secret) && !own.contains(&secret) {
            "belongs to another tenant; give this one a name of its own"
        } else {
            continue;
        };
        let document = documents.iter().find(|document| {
            document.tenant == reference.tenant
                && document.kind == reference.kind
                && document.name == reference.name
        });
        let reason = format!("{secret} {reason}");
        wrong.extend(document.map(|document| about(document, &reason)));
    }
    wrong
}

/// A document's reference to a secret.
struct Reference<'c> {
    tenant: &'c str,
    kind: &'static str,
    name: &'c str,
    secret: &'c SecretRef,
}

fn references(config: &Config) -> Vec<Reference<'_>> {
    let mut references = Vec::new();
    for (tenant, configured) in &config.tenants {
        let tenant = tenant.as_str();
        for source in configured.sources.values() {
            let name = source.name.as_str();
            let of_source = source.write_keys.iter();
            references.extend(of_source.map(|secret| Reference { tenant, kind: "Source", name, secret }));
        }
        for destination in &configured.destinations {
            let name = destination.name.as_str();
            for (_, value) in &destination.webhook.headers {
                if let HeaderValue::Secret(secret) = value {
                    references.push(Reference { tenant, kind: "Destination", name, secret });
                }
            }
        }
    }
    references
}

/// What documents refer to. Each tenant's are read by themselves: what this release would refuse must not hide the rest.
fn referred_to(documents: &[Document]) -> HashSet<String> {
    let mut secrets = HashSet::new();
    let tenants: HashSet<&str> = documents.iter().map(|document| document.tenant.as_str()).collect();
    for tenant in tenants {
        let with_secrets: Vec<Document> = documents
            .iter()
            .filter(|document| {
                document.tenant == tenant && ["Source", "Destination"].contains(&&*document.kind)
            })
            .cloned()
            .collect();
        if let Ok(config) = Config::from_documents(&with_secrets) {
            secrets.extend(references(&config).into_iter().map(|reference| shown(reference.secret)));
        }
    }
    secrets
}

fn is_of_the_mesh(secret: &SecretRef) -> bool {
    match secret {
        SecretRef::Env(name) => OF_THE_MESH.contains(&name.as_str()),
        SecretRef::File(path) => {
            let above = path.components().any(|part| part.as_os_str() == "..");
            above || OF_THE_SYSTEM.iter().any(|system| path.starts_with(Path::new(system)))
        }
    }
}

fn shown(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => name.clone(),
        SecretRef::File(path) => path.display().to_string(),
    }
}
