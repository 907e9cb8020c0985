//! What people need to know once everything runs.

use tributary_config::Config;

use super::Mesh;

/// The source that `tributary send` sends as unless told otherwise.
const SOURCE: &str = "cdnow";

/// Prints where everything is, and what to do first.
pub(super) fn print(mesh: &Mesh) {
    println!("\nTributary is up. Ctrl-C stops it.\n");
    for (stage, address) in mesh.stages.addresses() {
        line(stage.name(), &format!("http://{address}"));
    }
    for (name, shown) in mesh.servers.shown() {
        line(name, &shown);
    }
    line("traces", &mesh.traces.shown());
    line("logs", ".tributary/logs/");
    let tenants: Vec<&str> = mesh.secrets.admin_keys.tenants().collect();
    line("keys", &keys(&tenants));
    let directory = mesh.directory.path.display().to_string();
    line("configuration", &configuration(mesh.standing.revision.as_deref(), &directory));
    let own = std::env::args().next().unwrap_or_else(|| "tributary".into());
    println!("\n{}\n", first_steps(&own, &mesh.standing.config, tenants.first().copied()));
}

fn line(name: &str, value: &str) {
    println!("  {name:<13} {value}");
}

/// What is in force, and how it is changed from now on.
fn configuration(revision: Option<&str>, directory: &str) -> String {
    match revision {
        Some(revision) => format!("revision {revision}; changes are made with tributary apply"),
        None => {
            format!("{directory}, as the first one; changes are made with tributary apply {directory}")
        }
    }
}

/// Whose admin keys clients find, and under which names.
fn keys(tenants: &[&str]) -> String {
    match tenants {
        [] => ".tributary/env; TRIBUTARY_ADMIN_KEYS has none for the tenants of this configuration".into(),
        [only] => format!(".tributary/env; TRIBUTARY_ADMIN_KEY is for tenant {only}"),
        [first, ..] => format!(
            ".tributary/env; TRIBUTARY_ADMIN_KEY is for tenant {first}, TRIBUTARY_ADMIN_KEY_<TENANT> for each of {}",
            tenants.join(", ")
        ),
    }
}

/// Commands that can be pasted where the configuration makes them work, as the example's does.
fn first_steps(own: &str, config: &Config, tenant: Option<&str>) -> String {
    let of_tenant = config.tenants.iter().find(|(id, _)| Some(id.as_str()) == tenant);
    let sends = of_tenant.is_some_and(|(_, of)| of.sources.keys().any(|name| name.as_str() == SOURCE));
    if sends {
        format!(
            "Record a purchase and look at the customer, from another terminal in this folder:\n\n    \
             echo '00004 0001 19970101 2 29.33' | {own} send -\n    {own} profile 0001"
        )
    } else {
        format!(
            "Clients call Track at the address of ingest, with a source's write key. What a profile holds is shown by\n\n    \
             {own} profile ID"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(source: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let document =
            format!("kind: Source\nname: {source}\ntenant: demo\nspec:\n  write_keys: [{{env: KEY}}]\n");
        std::fs::write(folder.path().join("all.yaml"), document).unwrap();
        Config::load(folder.path()).unwrap()
    }

    #[test]
    fn commands_are_shown_only_where_they_work() {
        let shown = |source, tenant| first_steps("tributary", &config(source), tenant).contains("send -");
        assert!(shown("cdnow", Some("demo")));
        assert!(!shown("website", Some("demo")), "there is no such source");
        assert!(!shown("cdnow", Some("other")) && !shown("cdnow", None), "the profile could not be read");
    }

    #[test]
    fn it_is_said_whose_key_has_the_short_name() {
        assert!(keys(&["demo"]).ends_with("TRIBUTARY_ADMIN_KEY is for tenant demo"));
        assert!(keys(&["a", "b"]).contains("TRIBUTARY_ADMIN_KEY is for tenant a,"));
    }
}
