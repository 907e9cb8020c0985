//! Migrations are embedded at build time: a new file there must cause a build.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
