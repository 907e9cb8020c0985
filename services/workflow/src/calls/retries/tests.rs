use tributary_model::TenantId;

use super::*;
use crate::calls::budget::FREE;
use crate::calls::server::Servers;

fn bounds(timeout: u64, retries: u32, all: u64) -> Bounds {
    let until = Instant::now() + Duration::from_millis(all);
    Bounds { timeout: Duration::from_millis(timeout), retries, until }
}

fn passing(status: u32, after: Option<u64>) -> Missed<u32> {
    Missed {
        answer: Ok(status),
        passing: true,
        after: after.map(Duration::from_millis),
        health: Health::Well,
    }
}

fn server() -> Arc<Server> {
    Servers::new(8).of(&TenantId::new("t").unwrap(), "a:80")
}

/// Makes a call whose attempts go as `plan` says by their number; answers it with how many there were.
async fn call(
    server: &Arc<Server>,
    bounds: Bounds,
    plan: impl Fn(u32) -> Attempt<u32>,
) -> (Result<u32, CallError>, u32) {
    let made = AtomicU32::new(0);
    let answer = with_retries(server, bounds, &made, || async { plan(made.load(Ordering::Relaxed)) }).await;
    (answer, made.into_inner())
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_as_often_as_is_asked_for_and_the_last_answer_counts() {
    let server = server();
    let (answer, made) = call(&server, bounds(1_000, 2, 60_000), |n| Err(passing(500 + n, None))).await;
    assert_eq!((answer, made), (Ok(503), 3));
    let second = |n| if n == 2 { Ok(200) } else { Err(passing(500, None)) };
    assert_eq!(call(&server, bounds(1_000, 2, 60_000), second).await, (Ok(200), 2));
    assert_eq!(call(&server, bounds(1_000, 0, 60_000), second).await, (Ok(500), 1));
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_not_tried_again() {
    let server = server();
    let forbidden = |_| Err(Missed::final_with(failure::forbidden("a:80")));
    let (answer, made) = call(&server, bounds(1_000, 5, 60_000), forbidden).await;
    assert_eq!((answer.unwrap_err().reason.as_str(), made), ("FORBIDDEN_ADDRESS", 1));
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_the_hosts_wish_counts_within_the_calls_time() {
    let server = server();
    let begun = Instant::now();
    let twice = |n| if n == 3 { Ok(200) } else { Err(passing(429, None)) };
    assert_eq!(call(&server, bounds(1_000, 2, 60_000), twice).await.1, 3);
    let took = begun.elapsed();
    assert!(took >= FIRST_PAUSE * 3 && took < FIRST_PAUSE * 6, "{took:?}");

    let begun = Instant::now();
    let asks = |n| if n == 2 { Ok(200) } else { Err(passing(503, Some(7_000))) };
    assert_eq!(call(&server, bounds(1_000, 2, 60_000), asks).await, (Ok(200), 2));
    assert!(begun.elapsed() >= Duration::from_secs(7));

    let begun = Instant::now();
    assert_eq!(call(&server, bounds(1_000, 2, 6_000), asks).await, (Ok(503), 1));
    assert!(begun.elapsed() < Duration::from_secs(1), "a wish that is too long is not waited for");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_its_time_and_the_call_with_its_own() {
    let server = server();
    let (begun, made) = (Instant::now(), AtomicU32::new(0));
    let never = || std::future::pending::<Attempt<u32>>();
    let answer = with_retries(&server, bounds(1_000, 9, 3_500), &made, never).await;
    assert_eq!(answer.unwrap_err().reason, "TIMED_OUT");
    assert!(begun.elapsed() <= Duration::from_millis(3_500), "{:?}", begun.elapsed());
    assert!((2..=4).contains(&made.into_inner()));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_multiplied() {
    let server = server();
    let mut attempts = 0;
    for _ in 0..200 {
        attempts += call(&server, bounds(1_000, 5, 60_000), |_| Err(passing(503, Some(1)))).await.1;
    }
    // Pauses make it last longer than the window; so many are free in each.
    assert!(attempts < 200 + 200 / 5 + 2 * u32::try_from(FREE).unwrap(), "{attempts}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_is_left_alone_and_the_call_says_so() {
    let server = server();
    let ill = |_| Err(Missed::ill(failure::unreachable("a:80 could not be connected to")));
    let mut reasons = Vec::new();
    for _ in 0..12 {
        reasons.push(call(&server, bounds(1_000, 0, 60_000), ill).await.0.unwrap_err().reason);
    }
    assert_eq!(reasons.iter().filter(|reason| *reason == "UNREACHABLE").count(), 10);
    assert_eq!(reasons.iter().filter(|reason| *reason == "CIRCUIT_OPEN").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_for_all_of_a_runs_time_is_left_alone_though_the_run_ends_at_that_moment() {
    let server = server();
    let never = || std::future::pending::<Attempt<u32>>();
    for _ in 0..10 {
        let (bounds, made) = (bounds(30_000, 0, 30_000), AtomicU32::new(0));
        // The run's end comes first.
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(bounds.until) => {}
            _ = with_retries(&server, bounds, &made, never) => {}
        }
    }
    let (answer, made) = call(&server, bounds(30_000, 0, 30_000), |_| Ok(200)).await;
    assert_eq!((answer.unwrap_err().reason.as_str(), made), ("CIRCUIT_OPEN", 0));
}
