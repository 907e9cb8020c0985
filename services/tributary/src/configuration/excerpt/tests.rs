use super::*;

fn error(line: u64, column: u64, document: Option<&str>, reason: &str) -> ConfigError {
    ConfigError {
        file: "a.yaml".into(),
        line,
        column,
        document: document.map(str::to_owned),
        reason: reason.into(),
    }
}

/// What is marked of which line.
fn marked(text: &str, error: &ConfigError) -> Option<(u64, String)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let found = of(file.path(), error)?;
    let marked = found.text.chars().skip(found.mark.start).take(found.mark.len()).collect();
    Some((found.line, marked))
}

fn at(line: u64, word: &str) -> Option<(u64, String)> {
    Some((line, word.to_owned()))
}

const MAPPING: &str = "kind: Mapping
name: m
spec:
  when: evnt.properties.value > 1
  then: {path: a.b, op: set, template: \"{{ event.type | uper }}\"}
  if: 'event.type == '
  text: |
    event.type == \"x\" &&

      event.endWith(1)
";

#[test]
fn the_word_that_the_message_names_is_marked_as_a_whole() {
    let of = Some("Mapping m");
    let wrong = error(4, 9, of, "`evnt` is not known; did you mean `event`?");
    assert_eq!(marked(MAPPING, &wrong), at(4, "evnt"));
    let wrong = error(5, 40, of, "there is no filter `uper`");
    assert_eq!(marked(MAPPING, &wrong), at(5, "uper"));
    let wrong = error(5, 16, of, "`set` does not work on `a.b`");
    assert_eq!(marked(MAPPING, &wrong), at(5, "a.b"), "what stands at the column comes first");
    let wrong = error(5, 25, of, "it is wrong");
    assert_eq!(marked(MAPPING, &wrong), at(5, "set"), "without a name it is the word at the column");
}

#[test]
fn a_place_in_an_expression_moves_the_mark() {
    let of = Some("Mapping m");
    let wrong = error(6, 7, of, "it does not end: at character 12 of line 1");
    assert_eq!(marked(MAPPING, &wrong), at(6, "="), "behind the quote");
    let wrong = error(7, 9, of, "there is no `endWith`: at character 9 of line 3");
    assert_eq!(marked(MAPPING, &wrong), at(10, "endWith"), "in the lines of a text");
}

#[test]
fn a_line_of_a_file_with_secrets_is_shown_only_of_a_document_that_has_none() {
    let file =
        "kind: Destination\nname: crm\nspec:\n  token: sk-1\n---\nkind: Mapping\nname: m\nspec:\n  x: [\n";
    assert_eq!(marked(file, &error(4, 3, None, "it is wrong")), None);
    assert_eq!(marked(file, &error(9, 3, None, "it does not end")), None, "it may be about the other one");
    assert_eq!(marked(file, &error(4, 3, Some("Destination crm"), "wrong")), None);
    assert!(marked(file, &error(9, 3, Some("Mapping m"), "wrong")).is_some());
    let misspelt = file.replace("Destination", "Destinaton");
    assert_eq!(marked(&misspelt, &error(4, 3, None, "it is wrong")), None, "it may be meant to be one");
    assert_eq!(marked(&misspelt, &error(1, 7, None, "unknown kind \"Destinaton\"")), at(1, "Destinaton"));
}

#[test]
fn a_line_that_no_document_is_known_of_is_shown_where_the_file_has_no_secrets() {
    let file = "kind: Mapping\nname: m\nspec:\n  x: [\n";
    assert_eq!(marked(file, &error(4, 6, None, "it does not end")), at(4, "["));
    assert_eq!(
        marked("write_keys: [sk-1\n", &error(1, 1, None, "it does not end")),
        None,
        "nobody knows what it is"
    );
    assert_eq!(marked("tennant: demo\n", &error(1, 1, None, "unknown field `tennant`")), at(1, "tennant"));
    assert_eq!(marked("tokn: sk_live_123\n", &error(1, 1, None, "unknown field")), None);
}
