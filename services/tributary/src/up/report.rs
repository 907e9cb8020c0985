//! What people need to know once everything runs.

use super::{Mesh, secrets::TENANT};

/// Prints where everything is, and what to do first.
pub(super) fn print(mesh: &Mesh) {
    println!("\nTributary is up. Ctrl-C stops it.\n");
    for (stage, address) in mesh.stages.addresses() {
        line(stage.name(), &format!("http://{address}"));
    }
    for (name, shown) in mesh.servers.shown() {
        line(name, shown);
    }
    line("traces", &mesh.traces.shown());
    line("logs", ".tributary/logs/");
    line("keys", &format!(".tributary/env, for tenant {TENANT}"));
    let own = std::env::args().next().unwrap_or_else(|| "tributary".into());
    println!("\nRecord a purchase and look at the customer, from another terminal in this folder:\n");
    println!("    echo '00004 0001 19970101 2 29.33' | {own} send -");
    println!("    {own} profile 0001\n");
}

fn line(name: &str, value: &str) {
    println!("  {name:<11} {value}");
}
