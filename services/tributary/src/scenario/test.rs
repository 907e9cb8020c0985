//! `test`: plays the scenarios of a directory, and tells of each whether everything came as expected.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tributary_config::{Config, Scenario};
use tributary_model::TenantId;

use super::{Line, Played, PlayedStep, play};
use crate::{
    cli::Globals,
    configuration::validate::{self, failure, tell},
    out,
    out::Style,
};

/// Which scenarios.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary test deploy/example
  tributary test deploy/example --filter loyal
  tributary test . --json | jq '.scenarios[] | select(.passed | not)'

Nothing is contacted and no secret is needed: scenarios run on the stages' own code, in memory, by their own clock.")]
pub(crate) struct Args {
    /// The directory of documents, scenarios among them.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Only scenarios whose name contains this.
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A scenario, and how it went.
struct Tested<'c> {
    tenant: &'c TenantId,
    scenario: &'c Scenario,
    played: Played,
    took: Duration,
}

/// Plays them.
///
/// # Errors
/// A document is wrong, no scenario is meant, or something did not come as expected.
pub(crate) fn run(args: &Args, globals: &Globals) -> anyhow::Result<()> {
    let config = match Config::load(&args.directory) {
        Ok(config) => config,
        Err(errors) => {
            if args.json {
                let listed: Vec<Value> = errors.errors().iter().map(validate::for_programs).collect();
                out::json(&json!({"passed": false, "errors": listed}))?;
            } else {
                tell(&args.directory, &errors, globals);
            }
            return Err(failure(&args.directory, &errors));
        }
    };
    let tested = played(&config, args.filter.as_deref());
    anyhow::ensure!(!tested.is_empty(), nothing_meant(args));
    let failed = tested.iter().filter(|tested| !tested.played.passed()).count();
    if args.json {
        let scenarios: Vec<Value> = tested.iter().map(for_programs).collect();
        out::json(&json!({"passed": failed == 0, "failed": failed, "scenarios": scenarios}))?;
    } else {
        let style = globals.style();
        let several = config.tenants.values().filter(|tenant| !tenant.scenarios.is_empty()).count() > 1;
        for tested in &tested {
            out::line(told(tested, args, several, style))?;
        }
        out::line(summary(tested.len(), failed, style))?;
    }
    anyhow::ensure!(failed == 0, "{failed} of {} did not come as expected", count(tested.len()));
    Ok(())
}

fn played<'c>(config: &'c Config, filter: Option<&str>) -> Vec<Tested<'c>> {
    let all =
        config.tenants.iter().flat_map(|(id, tenant)| tenant.scenarios.iter().map(move |one| (id, one)));
    let meant = all.filter(|(_, scenario)| filter.is_none_or(|part| scenario.name.contains(part)));
    meant
        .map(|(tenant, scenario)| {
            let began = Instant::now();
            let played = play(config, tenant, scenario);
            Tested { tenant, scenario, played, took: began.elapsed() }
        })
        .collect()
}

fn nothing_meant(args: &Args) -> String {
    let directory = args.directory.display();
    match &args.filter {
        Some(part) => format!("no scenario in {directory} has {part:?} in its name"),
        None => {
            format!("no document in {directory} is a Scenario (docs/scenarios.md tells how to write one)")
        }
    }
}

/// One line for a scenario; below it what did not come as expected.
fn told(tested: &Tested<'_>, args: &Args, several: bool, style: Style) -> String {
    let verdict = if tested.played.passed() { style.green("ok    ") } else { style.red("FAILED") };
    let tenant = if several { format!("{}/", tested.tenant) } else { String::new() };
    let took = style.dim(format_args!("({} ms)", tested.took.as_millis()));
    let mut text = format!("{verdict} {tenant}{} {took}", tested.scenario.name);
    for (number, step) in (1..).zip(&tested.played.steps) {
        if !step.passed() {
            let file = args.directory.join(&tested.scenario.file);
            text.push_str(&failed_step(number, step, &file, style));
        }
    }
    if !tested.played.passed() {
        text.push('\n');
    }
    text
}

fn failed_step(number: usize, step: &PlayedStep, file: &Path, style: Style) -> String {
    let mut text = format!("\n\n  step {number}, {}", style.bold(&step.name));
    text.push_str(&format!("\n  {} {}:{}", style.dim("-->"), file.display(), step.line));
    if !step.compared.is_equal() {
        text.push_str(&format!("\n    {}  {}", style.red("- expected"), style.green("+ came")));
    }
    let differs = |_: &Line| !step.compared.is_equal();
    for line in step.compared.diff().into_iter().filter(differs) {
        let line = match line {
            Line::Same(line) => format!("  {line}"),
            Line::Missing(line) => style.red(format_args!("- {line}")),
            Line::Unexpected(line) => style.green(format_args!("+ {line}")),
        };
        text.push_str(&format!("\n    {line}"));
    }
    for unanswered in &step.unanswered {
        text.push_str(&format!("\n  {} {unanswered}", style.red("error:")));
    }
    for note in &step.notes {
        text.push_str(&format!("\n  {} {note}", style.yellow("note:")));
    }
    text
}

fn for_programs(tested: &Tested<'_>) -> Value {
    let failures =
        (1..).zip(&tested.played.steps).filter(|(_, step)| !step.passed()).map(|(number, step)| {
            json!({
                "step": number,
                "name": step.name,
                "line": step.line,
                "expected": step.compared.expected,
                "actual": step.compared.actual,
                "unanswered": step.unanswered,
                "notes": step.notes,
            })
        });
    json!({
        "tenant": tested.tenant.as_str(),
        "name": tested.scenario.name,
        "file": tested.scenario.file,
        "passed": tested.played.passed(),
        "milliseconds": tested.took.as_secs_f64() * 1000.0,
        "failures": failures.collect::<Vec<_>>(),
    })
}

fn summary(all: usize, failed: usize, style: Style) -> String {
    let failed = format!("{failed} failed");
    let failed = if failed.starts_with("0 ") { style.green(failed) } else { style.red(failed) };
    format!("{}, {failed}", count(all))
}

fn count(scenarios: usize) -> String {
    if scenarios == 1 { "1 scenario".to_owned() } else { format!("{scenarios} scenarios") }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::out::Color;

    const SHOP: &str = "kind: Source
name: shop
spec: {write_keys: [{env: KEY}], trust_profile_ids: true}
---
kind: Scenario
name: right
spec: {source: shop, profile: p, steps: [{track: [{type: a}], expect: {derived: [{type: profile-created}]}}]}
---
kind: Scenario
name: wrong
spec:
  source: shop
  profile: p
  steps:
    - track: [{type: a}]
    - name: nothing is counted
      track: [{type: purchase}]
      expect: {profile: {count: 1}, derived: [], events: [{status: ACCEPTED}]}
";

    fn args(directory: &Path, filter: Option<&str>) -> Args {
        Args { directory: directory.to_owned(), filter: filter.map(str::to_owned), json: false }
    }

    #[test]
    fn a_scenario_is_one_line_and_what_failed_is_shown_below_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("shop.yaml"), SHOP).unwrap();
        let config = Config::load(folder.path()).unwrap();
        let mut tested = played(&config, None);
        tested.iter_mut().for_each(|tested| tested.took = Duration::from_millis(3));
        let (args, plain) = (args(Path::new("conf"), None), Style::new(Color::Never, false));
        let told: Vec<String> = tested.iter().map(|tested| told(tested, &args, false, plain)).collect();
        assert_eq!(told[0], "ok     right (3 ms)");
        let expected = "FAILED wrong (3 ms)

  step 2, nothing is counted
  --> conf/shop.yaml:16
    - expected  + came
      derived: []
      events:
      - status: ACCEPTED
    - profile:
    -   count: 1
    + profile: {}
  note: no Mapping, Workflow or Schema names the event type purchase
";
        assert_eq!(told[1], expected);
        assert_eq!(summary(2, 1, plain), "2 scenarios, 1 failed");
    }

    #[test]
    fn a_directory_in_which_nothing_is_meant_is_no_success() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("shop.yaml"), SHOP).unwrap();
        let none = nothing_meant(&args(folder.path(), Some("loyal")));
        assert!(none.ends_with("has \"loyal\" in its name"), "{none}");
        let config = Config::load(folder.path()).unwrap();
        assert_eq!(played(&config, Some("loyal")).len(), 0);
        assert_eq!(played(&config, Some("igh")).len(), 1);
    }
}
