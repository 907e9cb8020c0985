//! Secrets are resolved together and never shown.

use std::path::Path;

use secrecy::ExposeSecret;

use super::{directory, load};
use crate::Config;

/// Two sources of two tenants; the key of the second is in a file.
fn two_sources() -> Config {
    let documents = "kind: Source\nname: a\ntenant: first\nspec:\n  write_keys: [{env: KEY_A}, {env: KEY_OLD}]\n---\n\
         kind: Source\nname: b\ntenant: other\nspec:\n  write_keys: [{file: keys/b}]\n";
    load(&[("s.yaml", documents)]).unwrap()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn environment<'p>(pairs: &'p [(&'p str, &'p str)]) -> impl Fn(&str) -> Option<String> + 'p {
    move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_string())
}

#[test]
fn a_write_key_finds_its_source() {
    let secrets = directory(&[("keys/b", "file-key-0123456789\n")]);
    let (config, mounted) = (two_sources(), shown(secrets.path()));
    let (keys, problems) = config.write_keys_from(&environment(&[
        ("KEY_A", "new-key-0123456789"),
        ("KEY_OLD", "old-key-0123456789"),
        ("TRIBUTARY_SECRETS", &mounted),
    ]));
    assert_eq!(problems, Vec::<String>::new());
    let find = |key: &str| keys.find(key).map(|(tenant, source)| format!("{tenant}/{source}"));
    assert_eq!(find("new-key-0123456789").as_deref(), Some("first/a"));
    assert_eq!(find("old-key-0123456789").as_deref(), Some("first/a"));
    assert_eq!(find("file-key-0123456789").as_deref(), Some("other/b"));
    assert_eq!(find("new-key-012345678"), None);
    assert_eq!(find(""), None);
    assert_eq!(keys.len(), 3);
    assert!(!format!("{keys:?}{config:?}").contains("0123456789"));
}

#[test]
fn what_is_missing_is_told_line_by_line_and_hinders_no_other_key() {
    let secrets = directory(&[("keys/b", "key-of-b-0123456789")]);
    let mounted = shown(secrets.path());
    let given = [("KEY_A", "short"), ("TRIBUTARY_SECRETS", mounted.as_str())];
    let (keys, problems) = two_sources().write_keys_from(&environment(&given));
    assert_eq!(
        problems,
        [
            "first: Source a: the write key in KEY_A is shorter than 16 characters",
            "first: Source a: environment variable KEY_OLD is not set, and no file KEY_OLD in TRIBUTARY_SECRETS",
        ]
    );
    assert_eq!(keys.find("key-of-b-0123456789").map(|(_, source)| source.as_str()), Some("b"));
    let (keys, problems) = two_sources().write_keys_from(&environment(&given[..1]));
    assert!(keys.is_empty());
    assert_eq!(
        problems[2],
        "other: Source b: file keys/b cannot be read: TRIBUTARY_SECRETS names no directory"
    );
}

#[test]
fn a_key_that_two_sources_have_is_the_first_ones_and_is_never_told() {
    let secrets = directory(&[("keys/b", "same-key-0123456789")]);
    let mounted = shown(secrets.path());
    let (keys, problems) = two_sources().write_keys_from(&environment(&[
        ("KEY_A", "same-key-0123456789"),
        ("KEY_OLD", "same-key-0123456789"),
        ("TRIBUTARY_SECRETS", &mounted),
    ]));
    assert_eq!(keys.find("same-key-0123456789").map(|(_, source)| source.as_str()), Some("a"));
    assert_eq!(
        problems,
        ["other: Source b: the write key in keys/b is the one of another source; every source needs its own"]
    );
}

#[test]
fn what_is_not_in_the_environment_is_looked_for_among_the_mounted_secrets() {
    let secrets = directory(&[
        ("KEY_A", "mounted-key-a-012345\n"),
        ("KEY_OLD", "mounted-key-old-0123\n"),
        ("keys/b", "file-key-0123456789\n"),
    ]);
    let (config, mounted) = (two_sources(), shown(secrets.path()));
    let resolved = |pairs: &[(&str, &str)]| config.write_keys_from(&environment(pairs)).0;
    let all = resolved(&[("TRIBUTARY_SECRETS", &mounted), ("KEY_A", "")]);
    assert!(all.find("mounted-key-a-012345").is_some() && all.find("mounted-key-old-0123").is_some());
    let first = resolved(&[("TRIBUTARY_SECRETS", &mounted), ("KEY_A", "environment-key-a-01")]);
    assert!(first.find("environment-key-a-01").is_some() && first.find("mounted-key-a-012345").is_none());
}

#[test]
fn references_that_are_not_a_documents_to_make_are_refused_where_they_stand() {
    let said = |key: &str| {
        let source = format!("kind: Source\nname: a\nspec:\n  write_keys: [{key}]\n");
        load(&[("s.yaml", &source)]).unwrap_err().to_string()
    };
    assert_eq!(
        said("{env: TRIBUTARY_ID_KEY}"),
        "s.yaml:4:16: Source a: TRIBUTARY_ID_KEY is not for documents: give the secret a name of its own"
    );
    assert!(said("{file: /proc/self/environ}").contains("is not below /run/secrets"));
    assert!(said("{file: ../key}").contains("no part of its path begins with a dot"));
    let one = said("{env: KEY}, {file: /run/secrets/KEY}");
    assert!(one.contains("this write key is there twice"), "{one}");
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
        "Destination d: environment variable TOKEN is not set, and no file TOKEN in TRIBUTARY_SECRETS"
    );
}
