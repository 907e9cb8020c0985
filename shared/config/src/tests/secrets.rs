//! Secrets are resolved together and never shown.

use std::fs;
use std::path::Path;

use secrecy::ExposeSecret;

use super::{directory, load};
use crate::Config;

/// Two sources; the key of the second is in the file `b` of `keys`.
fn two_sources(keys: &Path) -> Config {
    let documents = format!(
        "kind: Source\nname: a\nspec:\n  write_keys: [{{env: KEY_A}}, {{env: KEY_OLD}}]\n---\n\
         kind: Source\nname: b\ntenant: other\nspec:\n  write_keys: [{{file: {}/b}}]\n",
        keys.display()
    );
    load(&[("s.yaml", &documents)]).unwrap()
}

fn environment<'p>(pairs: &'p [(&'p str, &'p str)]) -> impl Fn(&str) -> Option<String> + 'p {
    move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_string())
}

#[test]
fn a_write_key_finds_its_source() {
    let keys = directory(&[("b", "file-key-0123456789\n")]);
    let config = two_sources(keys.path());
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
    let keys = directory(&[]);
    let config = two_sources(keys.path());
    let said = config.write_keys_from(&environment(&[("KEY_A", "short")])).unwrap_err().to_string();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert_eq!(lines[0], "Source a of tenant default: the write key in KEY_A is shorter than 16 characters");
    assert_eq!(
        lines[1],
        "Source a of tenant default: environment variable KEY_OLD is not set, and $TRIBUTARY_SECRETS has no file of that \
         name"
    );
    assert!(lines[2].starts_with("Source b of tenant other: file "), "{said}");
    fs::write(keys.path().join("b"), "same-key-0123456789").unwrap();
    let same = environment(&[("KEY_A", "same-key-0123456789"), ("KEY_OLD", "old-key-0123456789")]);
    assert_eq!(
        config.write_keys_from(&same).unwrap_err().to_string(),
        "Source a of tenant default and Source b of tenant other have the same write key"
    );
}

#[test]
fn what_is_not_in_the_environment_is_looked_for_among_the_mounted_secrets() {
    let secrets = directory(&[("KEY_A", "mounted-key-a-012345\n"), ("KEY_OLD", "mounted-key-old-0123\n")]);
    let keys = directory(&[("b", "file-key-0123456789\n")]);
    let config = two_sources(keys.path());
    let mounted = secrets.path().display().to_string();
    let resolved = |pairs: &[(&str, &str)]| config.write_keys_from(&environment(pairs)).unwrap();
    let all = resolved(&[("TRIBUTARY_SECRETS", &mounted), ("KEY_A", "")]);
    assert!(all.find("mounted-key-a-012345").is_some() && all.find("mounted-key-old-0123").is_some());
    let first = resolved(&[("TRIBUTARY_SECRETS", &mounted), ("KEY_A", "environment-key-a-01")]);
    assert!(first.find("environment-key-a-01").is_some() && first.find("mounted-key-a-012345").is_none());
}

#[test]
fn a_relative_file_is_refused_for_nobody_could_say_what_it_is_relative_to() {
    let said =
        load(&[("s.yaml", "kind: Source\nname: a\nspec:\n  write_keys: [{file: keys/a}]\n")]).unwrap_err();
    assert_eq!(
        said.to_string(),
        "s.yaml:4:16: Source a: keys/a is a relative path; write the whole path that the file has where the stages run, \
         beginning with /"
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
        "Destination d: environment variable TOKEN is not set, and $TRIBUTARY_SECRETS has no file of that name"
    );
}
