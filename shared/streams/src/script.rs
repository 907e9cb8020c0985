//! How a script is put together: what comes before all of them, then its own text.

/// Loads `scripts/<name>.lua`, from any module. A `finishing` script goes on while Redis is out of memory: it ends work that was accepted,
/// and without it nothing would ever be trimmed. All others are refused then, before their first write.
macro_rules! script {
    ($name:literal) => {
        ::redis::Script::new(concat!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts/prelude.lua")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts/", $name, ".lua"))
        ))
    };
    (finishing $name:literal) => {
        ::redis::Script::new(concat!(
            "#!lua flags=allow-oom\n",
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts/prelude.lua")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts/", $name, ".lua"))
        ))
    };
}

pub(crate) use script;
