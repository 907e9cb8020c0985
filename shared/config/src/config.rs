//! Loading a configuration: files, documents, tenants, and the checks between documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;

use tributary_model::{Kind, Kinds, Path, SourceName, TenantId};

use crate::document::{self, Document, Seen};
use crate::documents::destination::{Destination, HeaderValue};
use crate::documents::fields::Fields;
use crate::documents::mapping::Mapping;
use crate::documents::scenario::Scenario;
use crate::documents::schema::Schema;
use crate::documents::source::Source;
use crate::documents::workflow::Workflow;
use crate::documents::{self, Depth, DocumentKind, Draft};
use crate::error::{ConfigError, ConfigErrors, Origin, Place, Problems};
use crate::revision::{self, Revision};
use crate::secrets::SecretRef;
use crate::suspicious;

/// A whole configuration, checked and immutable.
#[derive(Debug, Clone)]
pub struct Config {
    /// The revision's number; 0 for a directory, which was never applied.
    pub number: u64,
    /// The revision's name, such as `12-3fa9c1d2`: equal for documents that say the same.
    pub revision: String,
    /// Everything by tenant.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// What is allowed and yet probably a mistake, such as a misspelt event type; by file and line, at most 100.
    pub warnings: Vec<ConfigError>,
}

/// What one tenant has configured. Lists are in the order of names.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Where its payloads may come from.
    pub sources: BTreeMap<SourceName, Source>,
    /// The kind of every path.
    pub kinds: Kinds,
    /// What events must look like.
    pub schemas: Vec<Schema>,
    /// What events change.
    pub mappings: Vec<Mapping>,
    /// What is decided about events.
    pub workflows: Vec<Workflow>,
    /// Where profiles go.
    pub destinations: Vec<Destination>,
    /// What is to be tested without a mesh; none in a revision.
    pub scenarios: Vec<Scenario>,
}

impl Config {
    /// Reads every `*.yaml` and `*.yml` below `dir` and checks all of it. The revision's number is 0.
    ///
    /// # Errors
    /// Everything that is wrong, each with file, line and reason; also for a missing directory or one without
    /// documents.
    pub fn load(dir: &FilePath) -> Result<Config, ConfigErrors> {
        let mut reading = Reading::default();
        for part in document::parts(dir)? {
            let heading = documents::heading(&part.text, &part.origin(), &mut reading.problems);
            let Some(heading) = heading else {
                reading.lacks_documents = true;
                continue;
            };
            let read = documents::read(&part.text, &heading, Depth::Whole, &mut reading.problems);
            match part.named(&heading) {
                Some(document) => {
                    reading.take(&document, &heading.origin, read);
                    reading.documents.push(document);
                }
                None => reading.lacks_documents = true,
            }
        }
        let documents = std::mem::take(&mut reading.documents);
        reading.finish(0, revision::id(0, &documents), &documents, Depth::Whole)
    }

    /// Checks `documents` and makes a configuration of them. The revision's number is 0.
    ///
    /// # Errors
    /// Everything that is wrong, each with file, line and reason: as from [`Config::load`] of their directory.
    pub fn from_documents(documents: &[Document]) -> Result<Config, ConfigErrors> {
        check(documents, 0, revision::id(0, documents), Depth::Whole)
    }

    /// The configuration that `revision` is. Whoever applied it has checked all of it, so only what is needed to run it is
    /// done again: it is read, compiled and put together. There are no warnings, and no examples in schemas.
    ///
    /// # Errors
    /// What cannot be run, as from [`Config::from_documents`]: a later release may refuse what an earlier one let through.
    pub fn of(revision: &Revision) -> Result<Config, ConfigErrors> {
        check(&revision.documents, revision.number, revision.id(), Depth::Published)
    }

    /// The configuration that a published revision is: what [`Revision::to_bytes`] wrote.
    ///
    /// # Errors
    /// In words, for whoever applied it: bytes of another kind, or documents that [`Config::of`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Config, String> {
        let revision = Revision::from_bytes(bytes)?;
        Config::of(&revision).map_err(|errors| errors.to_string())
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

    /// The environment variables that headers of destinations and of requests of workflows are read from, sorted. Only
    /// whoever is called knows what belongs there.
    #[must_use]
    pub fn header_env(&self) -> Vec<String> {
        let headers = self.tenants.values().flat_map(|tenant| {
            let destinations =
                tenant.destinations.iter().flat_map(|destination| &destination.webhook.headers);
            let nodes = tenant.workflows.iter().flat_map(|workflow| workflow.headers.values().flatten());
            destinations.chain(nodes)
        });
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

/// A configuration being read: documents by tenant, and what is wrong so far.
#[derive(Default)]
struct Reading {
    documents: Vec<Document>,
    seen: Seen,
    drafts: BTreeMap<TenantId, Draft>,
    /// Whether there are documents of which nobody knows what or whose they are.
    lacks_documents: bool,
    problems: Problems,
}

impl Reading {
    /// Takes `document` in. `read` is `None` when only its heading could be read: its name counts all the same, so that
    /// nothing is said twice.
    fn take(&mut self, document: &Document, origin: &Origin, read: Option<documents::Read>) {
        let Ok(tenant) = TenantId::new(&document.tenant) else { return };
        if !self.seen.is_new(document, origin, &mut self.problems) {
            return;
        }
        let draft = self.drafts.entry(tenant).or_default();
        draft.has_source |= document.kind == Source::NAME;
        draft.lacks_fields |= document.kind == Fields::NAME && read.is_none();
        draft.origins.push(origin.clone());
        if let Some(read) = read {
            read(draft, origin.clone());
        }
    }

    fn finish(
        mut self,
        number: u64,
        revision: String,
        documents: &[Document],
        depth: Depth,
    ) -> Result<Config, ConfigErrors> {
        crate::check::write_keys(self.drafts.values(), &mut self.problems);
        let warnings = match depth {
            Depth::Whole => suspicious::of(&self.drafts, documents),
            Depth::Published => Vec::new(),
        };
        let mut tenants = BTreeMap::new();
        for (id, mut draft) in self.drafts {
            draft.lacks_documents = self.lacks_documents;
            let tenant = assemble(&id, draft, depth, &mut self.problems);
            tenants.insert(id, tenant);
        }
        self.problems.into_result()?;
        Ok(Config { number, revision, tenants, warnings })
    }
}

fn check(
    documents: &[Document],
    number: u64,
    revision: String,
    depth: Depth,
) -> Result<Config, ConfigErrors> {
    let mut reading = Reading::default();
    for document in documents {
        let Some(heading) = documents::heading(&document.text, &document.origin(), &mut reading.problems)
        else {
            reading.lacks_documents = true;
            continue;
        };
        let said = heading.tenant.as_ref().map(|tenant| (tenant.as_str(), heading.kind.name, &*heading.name));
        if said.is_some_and(|said| said != document.identity()) {
            let (tenant, kind, name) = document.identity();
            let reason =
                format!("was given as {kind} {name} of tenant {tenant}, which it does not say it is");
            reading.problems.add(&heading.origin, Place::default(), reason);
            reading.lacks_documents = true;
            continue;
        }
        let read = documents::read(&document.text, &heading, depth, &mut reading.problems);
        reading.take(document, &heading.origin, read);
    }
    reading.finish(number, revision, documents, depth)
}

/// Checks a tenant's documents against each other.
fn assemble(id: &TenantId, draft: Draft, depth: Depth, problems: &mut Problems) -> Tenant {
    if !draft.has_source
        && !draft.lacks_documents
        && let Some(origin) = draft.origins.first()
    {
        let reason = format!("tenant {id} has no Source, so no event could ever reach it");
        problems.add(origin, Place::default(), reason);
    }
    let complete = !draft.lacks_fields && !draft.lacks_documents;
    let kinds = kinds(&draft.fields, problems).filter(|_| complete);
    crate::check::check(&draft, kinds.as_ref(), depth, problems);
    let mut schemas: Vec<Schema> = draft.schemas.into_iter().map(|(_, schema)| schema).collect();
    let mut mappings: Vec<Mapping> = draft.mappings.into_iter().map(|(_, mapping)| mapping).collect();
    let mut workflows: Vec<Workflow> = draft.workflows.into_iter().map(|(_, workflow)| workflow).collect();
    for scenario in draft.scenarios.iter().filter(|_| !draft.lacks_documents) {
        scenario.check(&draft.origins, &workflows, kinds.as_ref(), problems);
    }
    let mut destinations = draft.destinations;
    let mut scenarios = draft.scenarios;
    schemas.sort_by(|a, b| a.name.cmp(&b.name));
    mappings.sort_by(|a, b| a.name.cmp(&b.name));
    workflows.sort_by(|a, b| a.name.cmp(&b.name));
    destinations.sort_by(|a, b| a.name.cmp(&b.name));
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    Tenant {
        sources: draft.sources.into_iter().map(|(_, source)| (source.name.clone(), source)).collect(),
        kinds: kinds.unwrap_or_default(),
        schemas,
        mappings,
        workflows,
        destinations,
        scenarios,
    }
}

/// How many wrong declarations are told: finding each takes as long as a look at all of them.
const MAX_WRONG_KINDS: usize = 32;

/// A declaration with its place.
type Declared<'d> = (&'d Path, Kind, &'d Origin, Place);

/// Adds those of `wanted` that are right beside what is right so far, so that each wrong one is told at its own place. Half
/// by half: most are right.
fn declare(
    wanted: &[Declared<'_>],
    declared: &mut BTreeMap<Path, Kind>,
    left: &mut usize,
    problems: &mut Problems,
) {
    if wanted.is_empty() || *left == 0 {
        return;
    }
    let mut with = declared.clone();
    with.extend(wanted.iter().map(|(path, kind, ..)| ((*path).clone(), *kind)));
    match (Kinds::new(with.clone()), wanted) {
        (Ok(_), _) => *declared = with,
        (Err(error), [(_, _, origin, place)]) => {
            problems.add(origin, *place, error.to_string());
            *left -= 1;
        }
        (Err(_), _) => {
            let (first, second) = wanted.split_at(wanted.len() / 2);
            declare(first, declared, left, problems);
            declare(second, declared, left, problems);
        }
    }
}

/// The kinds of a tenant's paths; `None` when the declarations are wrong, because nothing that follows from
/// them would be worth telling.
fn kinds(fields: &[(Origin, Fields)], problems: &mut Problems) -> Option<Kinds> {
    let mut declared: BTreeMap<Path, Kind> = BTreeMap::new();
    let mut places: BTreeMap<&Path, &Origin> = BTreeMap::new();
    let mut wanted: Vec<Declared<'_>> = Vec::new();
    for (origin, fields) in fields {
        for (path, kind, place) in &fields.kinds {
            if let Some(first) = places.insert(path, origin) {
                let by = first.document.as_deref().unwrap_or("another document");
                problems.add(origin, *place, format!("{path} is declared by {by} already"));
                places.insert(path, first);
                continue;
            }
            wanted.push((path, *kind, origin, *place));
        }
    }
    let mut left = MAX_WRONG_KINDS;
    declare(&wanted, &mut declared, &mut left, problems);
    let all = declared.len() == fields.iter().map(|(_, fields)| fields.kinds.len()).sum::<usize>();
    Kinds::new(declared).ok().filter(|_| all)
}
