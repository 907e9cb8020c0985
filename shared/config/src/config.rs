//! Loading a configuration: files, documents, tenants, and the checks between documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path as FilePath;

use tributary_model::{Kind, Kinds, Path, SourceName, TenantId};

use crate::change;
use crate::documents::destination::{Destination, HeaderValue};
use crate::documents::fields::Fields;
use crate::documents::mapping::Mapping;
use crate::documents::source::Source;
use crate::documents::workflow::Workflow;
use crate::documents::{self, Draft, Entry};
use crate::error::{ConfigErrors, Origin, Place, Problems};
use crate::files::{self, File};
use crate::secrets::SecretRef;
use crate::yaml;

/// A whole configuration, checked and immutable.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names the contents: 16 hex digits, equal for equal files.
    pub revision: String,
    /// Everything by tenant.
    pub tenants: BTreeMap<TenantId, Tenant>,
}

/// What one tenant has configured. Lists are in the order of names.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Where its payloads may come from.
    pub sources: BTreeMap<SourceName, Source>,
    /// The kind of every path.
    pub kinds: Kinds,
    /// What events change.
    pub mappings: Vec<Mapping>,
    /// What is decided about events.
    pub workflows: Vec<Workflow>,
    /// Where profiles go.
    pub destinations: Vec<Destination>,
}

impl Config {
    /// Reads every `*.yaml` and `*.yml` below `dir` and checks all of it.
    ///
    /// # Errors
    /// Everything that is wrong, each with file, line and reason; also for a missing directory or one without
    /// documents.
    pub fn load(dir: &FilePath) -> Result<Config, ConfigErrors> {
        let files = files::read(dir)?;
        let mut problems = Problems::default();
        let entries = read_entries(&files, dir, &mut problems);
        if entries.is_empty() && problems.none_so_far() {
            return Err(ConfigErrors::about(dir.display().to_string(), "the files hold no documents"));
        }
        let drafts = by_tenant(entries, &mut problems);
        let tenants = drafts
            .into_iter()
            .map(|(id, draft)| {
                let tenant = assemble(&id, draft, &mut problems);
                (id, tenant)
            })
            .collect();
        problems.into_result()?;
        Ok(Config { revision: files::revision(&files), tenants })
    }

    /// What `tenant` has configured.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> Option<&Tenant> {
        self.tenants.get(tenant)
    }

    /// The environment variables that write keys are read from, sorted, without those that a header is read from too:
    /// what is shown to another system is never to be made up, nor told to clients.
    #[must_use]
    pub fn write_key_env(&self) -> Vec<String> {
        let headers = self.header_env();
        let mut names = env_names(self.write_key_refs().map(|(_, _, reference)| reference));
        names.retain(|name| !headers.contains(name));
        names.into_iter().collect()
    }

    /// The environment variables that headers of destinations are read from, sorted. Only the destination knows what
    /// belongs there.
    #[must_use]
    pub fn header_env(&self) -> Vec<String> {
        let destinations = self.tenants.values().flat_map(|tenant| &tenant.destinations);
        let headers = destinations.flat_map(|destination| &destination.webhook.headers);
        let secrets = headers.filter_map(|(_, value)| match value {
            HeaderValue::Secret(reference) => Some(reference),
            HeaderValue::Text(_) => None,
        });
        env_names(secrets).into_iter().collect()
    }

    pub(crate) fn write_key_refs(&self) -> impl Iterator<Item = (&TenantId, &SourceName, &SecretRef)> {
        self.tenants.iter().flat_map(|(tenant, configured)| {
            let sources = configured.sources.values();
            sources
                .flat_map(move |source| source.write_keys.iter().map(move |key| (tenant, &source.name, key)))
        })
    }
}

/// The names of all environment variables that a configuration reads secrets from, sorted.
///
/// # Errors
/// Those of [`Config::load`].
pub fn required_env(dir: &FilePath) -> Result<Vec<String>, ConfigErrors> {
    let config = Config::load(dir)?;
    let mut names = [config.write_key_env(), config.header_env()].concat();
    names.sort();
    Ok(names)
}

fn env_names<'a>(references: impl Iterator<Item = &'a SecretRef>) -> BTreeSet<String> {
    let names = references.filter_map(|reference| match reference {
        SecretRef::Env(name) => Some(name.clone()),
        SecretRef::File(_) => None,
    });
    names.collect()
}

fn read_entries(files: &[File], dir: &FilePath, problems: &mut Problems) -> Vec<Entry> {
    let mut entries = Vec::new();
    for file in files {
        let origin = Origin { file: file.path.as_str().into(), document: None, place: Place::default() };
        for document in yaml::documents(&file.text) {
            entries.extend(documents::read(&document, &origin, dir, problems));
        }
    }
    entries
}

fn by_tenant(entries: Vec<Entry>, problems: &mut Problems) -> BTreeMap<TenantId, Draft> {
    let mut first_of: HashMap<(String, TenantId, String), Origin> = HashMap::new();
    let mut drafts: BTreeMap<TenantId, Draft> = BTreeMap::new();
    for entry in entries {
        let is_source = entry.kind == documents::SOURCE;
        let identity = (entry.kind, entry.tenant.clone(), entry.name);
        if let Some(first) = first_of.get(&identity) {
            let reason = format!(
                "tenant {} has a {} {} already, at {}:{}",
                identity.1, identity.0, identity.2, first.file, first.place.line
            );
            problems.add(&entry.origin, Place::default(), reason);
            continue;
        }
        first_of.insert(identity, entry.origin.clone());
        let draft = drafts.entry(entry.tenant).or_default();
        draft.has_source |= is_source;
        draft.origins.push(entry.origin.clone());
        if let Some(document) = entry.document {
            document.add_to(draft, entry.origin);
        }
    }
    drafts
}

/// Checks a tenant's documents against each other.
fn assemble(id: &TenantId, draft: Draft, problems: &mut Problems) -> Tenant {
    if !draft.has_source
        && let Some(origin) = draft.origins.first()
    {
        let reason = format!("tenant {id} has no Source, so no event could ever reach it");
        problems.add(origin, Place::default(), reason);
    }
    let kinds = kinds(&draft.fields, problems);
    if let Some(kinds) = &kinds {
        for (origin, mapping) in &draft.mappings {
            change::check(&mapping.changes, kinds, origin, problems);
        }
        for (origin, workflow) in &draft.workflows {
            for step in &workflow.steps {
                change::check(&step.then, kinds, origin, problems);
                change::check(&step.otherwise, kinds, origin, problems);
            }
        }
    }
    let mut mappings: Vec<Mapping> = draft.mappings.into_iter().map(|(_, mapping)| mapping).collect();
    let mut workflows: Vec<Workflow> = draft.workflows.into_iter().map(|(_, workflow)| workflow).collect();
    let mut destinations = draft.destinations;
    mappings.sort_by(|a, b| a.name.cmp(&b.name));
    workflows.sort_by(|a, b| a.name.cmp(&b.name));
    destinations.sort_by(|a, b| a.name.cmp(&b.name));
    Tenant {
        sources: draft.sources.into_iter().map(|source| (source.name.clone(), source)).collect(),
        kinds: kinds.unwrap_or_default(),
        mappings,
        workflows,
        destinations,
    }
}

/// The kinds of a tenant's paths; `None` when the declarations are wrong, because nothing that follows from
/// them would be worth telling.
fn kinds(fields: &[(Origin, Fields)], problems: &mut Problems) -> Option<Kinds> {
    let mut declared: BTreeMap<Path, Kind> = BTreeMap::new();
    let mut places: BTreeMap<Path, (&Origin, Place)> = BTreeMap::new();
    for (origin, fields) in fields {
        for (path, kind, place) in &fields.kinds {
            if let Some((first, _)) = places.get(path) {
                let by = first.document.as_deref().unwrap_or("another document");
                problems.add(origin, *place, format!("{path} is declared by {by} already"));
                continue;
            }
            // One at a time beside what is right so far, so that each wrong one is told at its own place.
            let mut with = declared.clone();
            with.insert(path.clone(), *kind);
            match Kinds::new(with.clone()) {
                Ok(_) => declared = with,
                Err(error) => problems.add(origin, *place, error.to_string()),
            }
            places.insert(path.clone(), (origin, *place));
        }
    }
    Kinds::new(declared).ok()
}
