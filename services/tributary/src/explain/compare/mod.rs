//! What changed workflows would do for events that came: side by side with what those in force would do, here, on the pure
//! engine. Nothing is written and nobody is called.

mod fetch;
mod shown;
mod side;
mod tally;

use std::path::Path;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use tributary_config::{Config, ConfigErrors, Document, read_directory};
use tributary_model::TenantId;

use crate::{
    cli::Globals,
    configuration::validate::{failure, tell},
    mesh::Mesh,
    out,
    scenario::past::Past,
};
use shown::Told;
use side::Side;
use tally::Tally;

/// The documents that are never configured.
const SCENARIO: &str = "Scenario";

/// What is to be looked at.
pub(super) struct Asked<'a> {
    pub(super) directory: &'a Path,
    pub(super) event_type: &'a str,
    /// This workflow only.
    pub(super) workflow: Option<&'a str>,
    /// This profile's events only.
    pub(super) profile: Option<&'a str>,
    pub(super) limit: u32,
}

/// Looks.
///
/// # Errors
/// The mesh does not answer, has no configuration or no such events, or a document is wrong.
pub(super) async fn run(
    mesh: &Mesh,
    asked: &Asked<'_>,
    for_programs: bool,
    globals: &Globals,
) -> anyhow::Result<()> {
    let told = told(mesh, asked, globals).await?;
    if for_programs { out::json(&told.for_programs()) } else { out::line(told.text(globals.style())) }
}

async fn told<'a>(mesh: &Mesh, asked: &'a Asked<'a>, globals: &Globals) -> anyhow::Result<Told<'a>> {
    let wrong = |errors: ConfigErrors| {
        tell(asked.directory, &errors, globals);
        failure(asked.directory, &errors)
    };
    let own = read_directory(asked.directory).map_err(wrong)?;
    let (revision, documents) = fetch::configuration(mesh).await?;
    let first = documents.first();
    let first = first.context("nothing is configured: `tributary apply DIR` configures a directory")?;
    let tenant = TenantId::new(first.tenant.as_str())?;
    let running = Config::from_documents(&documents)
        .context("this command does not understand the revision in force: it is of another release")?;
    let changed = Config::from_documents(&overlaid(&documents, own)).map_err(wrong)?;
    let side = |config| {
        let tenant = Config::tenant(config, &tenant);
        tenant.map(|tenant| Side { tenant }).context("the tenant has no documents")
    };
    let (running, changed) = (side(&running)?, side(&changed)?);
    if let Some(workflow) = asked.workflow.filter(|name| !running.has(name) && !changed.has(name)) {
        anyhow::bail!(
            "there is no workflow {workflow}, neither in force nor in {}",
            asked.directory.display()
        );
    }

    let reads = fetch::Reads::new(mesh)?;
    let events = reads.events(asked).await?;
    anyhow::ensure!(!events.is_empty(), "no events of type {} are stored", asked.event_type);
    let bar = progress(events.len());
    let known = reads.known(&events, &bar).await?;
    let mut past = Past::default();
    events.iter().for_each(|event| past.add(&event.profile, &event.message));
    let mut tally = Tally::default();
    for event in &events {
        let known = known.of(event);
        let did = |side: &Side<'_>| side.did(event, &known, &past, asked.workflow);
        tally.add(event, did(&running), did(&changed));
    }
    bar.finish_and_clear();
    Ok(Told { asked, revision, events, profiles: known.profiles.len(), tally })
}

/// What the tenant would have with the directory applied: documents that are configured and not in it stay.
fn overlaid(configured: &[Document], own: Vec<Document>) -> Vec<Document> {
    let own: Vec<Document> = own.into_iter().filter(|document| document.kind != SCENARIO).collect();
    let tenants: Vec<&str> = configured.iter().map(|document| document.tenant.as_str()).collect();
    let same = |one: &Document, other: &Document| {
        (&one.tenant, &one.kind, &one.name) == (&other.tenant, &other.kind, &other.name)
    };
    let kept = configured.iter().filter(|document| !own.iter().any(|one| same(one, document))).cloned();
    let mut all: Vec<Document> = kept.collect();
    all.extend(own.iter().filter(|document| tenants.contains(&document.tenant.as_str())).cloned());
    all
}

fn progress(events: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} events  {eta} left");
    let style = style.expect("the template is a constant");
    ProgressBar::new(u64::try_from(events).unwrap_or(u64::MAX)).with_style(style)
}

#[cfg(test)]
mod tests;
