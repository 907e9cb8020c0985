//! What a process reports that it lacks, and what of it a caller may see: each line begins with the tenant that it concerns.

/// Concerns all tenants: the process cannot use a revision at all. Its words may name anybody's documents.
const OF_ALL: &str = "-: ";

/// The lines about these tenants.
pub(super) fn of_tenants<'p>(problem: &'p str, tenants: &'p [String]) -> impl Iterator<Item = &'p str> {
    let concerns = |line: &str, tenant: &str| {
        line.strip_prefix(tenant).is_some_and(|rest| rest.starts_with(": ")) && tenant != "-"
    };
    problem.lines().filter(move |line| tenants.iter().any(|tenant| concerns(line, tenant)))
}

/// What those who administer these tenants are told: their own lines, and that there is something about everybody.
pub(super) fn shown(problem: &str, number: u64, tenants: &[String]) -> String {
    let mut lines: Vec<String> = of_tenants(problem, tenants).map(str::to_owned).collect();
    if problem.lines().any(|line| line.starts_with(OF_ALL)) {
        lines.push(format!(
            "not all of revision {number} can be used by this process; its log says what and why"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_what_is_of_the_callers_tenants_and_nothing_of_the_rest() {
        let problem = "demo: Source website: DEMO_KEY is not set\n\
                       demo-2: Source shop: SHOP_KEY is not set\n\
                       -: a.yaml:1:1: Mapping theirs: tenant demo: no";
        let to = |tenant: &str| shown(problem, 7, &[tenant.to_owned()]);
        let general = "not all of revision 7 can be used by this process; its log says what and why";
        assert_eq!(to("demo"), format!("demo: Source website: DEMO_KEY is not set\n{general}"));
        assert_eq!(to("demo-2"), format!("demo-2: Source shop: SHOP_KEY is not set\n{general}"));
        for other in ["dem", "other", "-"] {
            assert_eq!(to(other), general, "{other}");
        }
        assert_eq!(shown("demo: x", 7, &["other".to_owned()]), "");
        assert_eq!(shown("", 0, &[]), "");
    }
}
