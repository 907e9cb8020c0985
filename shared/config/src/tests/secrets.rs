//! Secrets are resolved together and never shown.

use std::fs;

use secrecy::ExposeSecret;

use super::{directory, load};
use crate::Config;

const TWO_SOURCES: &str = "kind: Source\nname: a\nspec:\n  write_keys: [{env: KEY_A}, {env: KEY_OLD}]\n---\n\
                           kind: Source\nname: b\ntenant: other\nspec:\n  write_keys: [{file: keys/b}]\n";

fn environment(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_string())
}

#[test]
fn a_write_key_finds_its_source() {
    let dir = directory(&[("s.yaml", TWO_SOURCES), ("keys/b", "file-key-0123456789\n")]);
    let config = Config::load(dir.path()).unwrap();
    let keys = config
        .write_keys_from(&environment(&[("KEY_A", "new-key-0123456789"), ("KEY_OLD", "old-key-0123456789")]))
        .unwrap();
    let find = |key: &str| keys.find(key).map(|(tenant, source)| format!("{tenant}/{source}"));
    assert_eq!(find("new-key-0123456789").as_deref(), Some("default/a"));
    assert_eq!(find("old-key-0123456789").as_deref(), Some("default/a"));
    assert_eq!(find("file-key-0123456789").as_deref(), Some("other/b"));
    assert_eq!(find("new-key-012345678"), None);
    assert_eq!(find(""), None);
    assert_eq!(keys.len(), 3);
    assert!(!format!("{keys:?}{config:?}").contains("0123456789"));
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let dir = directory(&[("s.yaml", TWO_SOURCES)]);
    let config = Config::load(dir.path()).unwrap();
    let said = config.write_keys_from(&environment(&[("KEY_A", "short")])).unwrap_err().to_string();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert_eq!(lines[0], "Source a of tenant default: the write key in KEY_A is shorter than 16 characters");
    assert_eq!(lines[1], "Source a of tenant default: environment variable KEY_OLD is not set");
    assert!(lines[2].starts_with("Source b of tenant other: file "), "{said}");
    fs::create_dir(dir.path().join("keys")).unwrap();
    fs::write(dir.path().join("keys/b"), "same-key-0123456789").unwrap();
    let same = environment(&[("KEY_A", "same-key-0123456789"), ("KEY_OLD", "old-key-0123456789")]);
    assert_eq!(
        config.write_keys_from(&same).unwrap_err().to_string(),
        "Source a of tenant default and Source b of tenant other have the same write key"
    );
}

#[test]
fn headers_are_resolved_with_their_secrets() {
    let config = load(&[
        ("s.yaml", super::SOURCE),
        (
            "d.yaml",
            "kind: Destination\nname: d\nspec:\n  webhook:\n    url: https://example.com\n    headers:\n      \
             Authorization: {env: TOKEN}\n      X-Kind: {value: profile}\n",
        ),
    ])
    .unwrap();
    let destination = &config.tenants.values().next().unwrap().destinations[0];
    let headers = destination.headers_from(&environment(&[("TOKEN", "Bearer t")])).unwrap();
    let shown: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(shown, [("Authorization", "Bearer t"), ("X-Kind", "profile")]);
    assert_eq!(
        destination.headers_from(&environment(&[])).unwrap_err().to_string(),
        "Destination d: environment variable TOKEN is not set"
    );
}
