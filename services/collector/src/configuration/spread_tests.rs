use super::*;

const OURS: [&str; 1] = ["demo"];

fn report(stage: &str, revision: &str) -> StageReport {
    StageReport {
        stage: stage.to_owned(),
        instance: "1".to_owned(),
        number: tributary_config::number_of(revision).unwrap_or_default(),
        revision: revision.to_owned(),
        problem: None,
        problem_number: 0,
    }
}

fn with_problem(report: StageReport, number: u64, problem: &str) -> StageReport {
    StageReport { problem: Some(problem.to_owned()), problem_number: number, ..report }
}

/// Whether revision 7, which goes by these names, is everywhere, and whether it is hopeless.
fn judged(reports: &[StageReport], names: &[&str]) -> (bool, bool) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let step = |report: &StageReport| step(report, 7, &names, &OURS.map(str::to_owned));
    (is_everywhere(reports, step), is_hopeless(reports, step))
}

fn all(revision: &str) -> Vec<StageReport> {
    STAGES.iter().map(|stage| report(stage, revision)).collect()
}

#[test]
fn everywhere_is_each_stage_and_every_process_of_it() {
    assert_eq!(judged(&all("7-a"), &["7-a"]), (true, false));
    assert_eq!(judged(&all("8-b"), &["7-a", "8-b"]), (true, false), "a newer one was built on it");
    assert!(!judged(&all("8-c"), &["7-a", "8-b"]).0, "one that nobody knows was not");
    assert!(!judged(&all("7-x"), &["7-a"]).0, "the number alone says nothing");
    assert!(!judged(&all("6-a"), &["7-a"]).0);
    assert!(!judged(&all(""), &[]).0, "nothing runs nowhere");
    assert!(!judged(&all("7-a")[1..], &["7-a"]).0, "a stage without a process runs nothing");
    let second = [all("7-a"), vec![report("ingest", "6-a")]].concat();
    assert!(!judged(&second, &["7-a"]).0);
}

#[test]
fn what_a_process_lacks_for_the_tenants_counts_and_what_it_lacks_for_others_does_not() {
    let with = |number, problem| {
        let mut reports = all("7-a");
        reports[0] = with_problem(reports[0].clone(), number, problem);
        judged(&reports, &["7-a"])
    };
    assert_eq!(with(7, "demo: Source app: X is not set"), (false, true));
    assert_eq!(with(7, "demo-2: Source app: X is not set\n-: more"), (true, false));
    assert_eq!(with(6, "demo: Source app: X is not set"), (true, false), "that was another revision");
}

#[test]
fn waiting_is_hopeless_only_when_all_that_lack_it_say_why_of_this_revision() {
    let refuses = |number| with_problem(report("ingest", "6-a"), number, "-: cannot be used here");
    let runs = report("workflow", "7-a");
    assert!(judged(&[runs.clone(), refuses(7)], &["7-a"]).1);
    assert!(judged(&[runs.clone(), refuses(8)], &["7-a"]).1);
    assert!(!judged(&[runs.clone(), refuses(5)], &["7-a"]).1, "an old problem says nothing of this one");
    assert!(!judged(&[report("workflow", "6-a"), refuses(7)], &["7-a"]).1);
    assert!(!judged(&[runs], &["7-a"]).1);
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_with_the_call_and_leaves_time_for_one_look() {
    let now = Instant::now();
    let second = Duration::from_secs(1);
    let at = |until: Until| (until.last_look - now, until.end - now);
    assert_eq!(at(Until::after(10 * second, None)), (10 * second, 10 * second));
    assert_eq!(at(Until::after(Duration::ZERO, None)), (Duration::ZERO, A_LOOK));
    assert_eq!(at(Until::after(10 * second, Some(now + 3 * second))), (3 * second, 3 * second));
    let soon = Duration::from_millis(200);
    assert_eq!(at(Until::after(Duration::ZERO, Some(now + soon))), (Duration::ZERO, soon));
}
