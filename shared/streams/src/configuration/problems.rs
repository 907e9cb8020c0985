//! Problems in a report: a line each, as many as fit, and no tenant's in place of another's.

use std::collections::BTreeMap;

/// The most that is reported, in bytes. Reports are read twenty times a second while somebody waits for a revision.
const LONGEST: usize = 8192;
/// The longest line, in bytes.
const LONGEST_LINE: usize = 512;
/// In place of what does not fit; whoever it concerns has to look for himself.
const MORE: &str = "-: more than can be reported; the log of this process has all of it";

/// One text of all lines: the first of each tenant, then the second of each, and so on, as far as they fit.
pub(super) fn joined<S: AsRef<str>>(lines: &[S]) -> String {
    let mut by_tenant: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        let line = line.as_ref();
        let line = &line[..line.floor_char_boundary(LONGEST_LINE)];
        let tenant = line.split_once(": ").map_or("-", |(tenant, _)| tenant);
        by_tenant.entry(tenant).or_default().push(line);
    }
    let mut text = String::new();
    let rounds = by_tenant.values().map(Vec::len).max().unwrap_or_default();
    for line in (0..rounds).flat_map(|round| by_tenant.values().filter_map(move |lines| lines.get(round))) {
        if text.len() + line.len() + MORE.len() + 2 > LONGEST {
            text.push_str(MORE);
            return text;
        }
        text.push_str(line);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// The lines of a reason why nothing of a revision can be used: they concern all tenants.
pub(super) fn of_all(reason: &str) -> Vec<String> {
    reason.lines().map(|line| format!("-: {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_with_many_problems_leaves_room_for_those_of_others() {
        let mut lines: Vec<String> = (0..500).map(|n| format!("loud: Source s{n}: no key")).collect();
        lines.push("quiet: Source web: no key".to_owned());
        let text = joined(&lines);
        assert!(text.len() <= LONGEST, "{}", text.len());
        assert!(
            text.starts_with("loud: Source s0: no key\nquiet: Source web: no key\nloud: Source s1"),
            "{text}"
        );
        assert!(text.ends_with(MORE));
    }

    #[test]
    fn what_fits_is_told_in_full() {
        assert_eq!(joined(&["a: one", "b: two"]), "a: one\nb: two");
        assert_eq!(joined::<&str>(&[]), "");
        assert_eq!(of_all("one\ntwo"), ["-: one", "-: two"]);
    }

    #[test]
    fn a_line_has_a_bounded_length() {
        assert!(joined(&[format!("a: {}", "ö".repeat(LONGEST))]).len() <= LONGEST_LINE);
    }
}
