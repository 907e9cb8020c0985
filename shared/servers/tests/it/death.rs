//! Servers do not outlive the process that started them, not even when it is killed.

use nix::{sys::signal::kill, unistd::Pid};
use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tributary_servers::{Postgres, PostgresOptions, Redis, RedisOptions, poll};

use crate::scratch;

const ROLE: &str = "TRIBUTARY_TEST_STARTS_SERVERS_IN";

#[tokio::test]
async fn servers_die_with_the_process_that_started_them_and_not_with_its_threads() -> anyhow::Result<()> {
    let dir = scratch();
    let mut parent = Command::new(env::current_exe()?)
        .args(["--exact", "death::the_parent", "--ignored"])
        .env(ROLE, dir.path())
        .stdin(Stdio::null())
        .spawn()?;
    let told = poll(Duration::from_secs(90), || async {
        fs::read_to_string(dir.path().join("pids")).map_err(|_| "the servers are not up yet".to_owned())
    });
    let pids: Vec<i32> =
        told.await.map_err(anyhow::Error::msg)?.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    assert!(pids.iter().all(|pid| runs(*pid)), "they run, although the thread that asked for them has ended");

    parent.kill()?;
    parent.wait()?;

    poll(Duration::from_secs(20), || async {
        if pids.iter().any(|pid| runs(*pid)) { Err(format!("one of {pids:?} still runs")) } else { Ok(()) }
    })
    .await
    .map_err(anyhow::Error::msg)
}

/// Not a test by itself: the process that the test above starts and kills.
#[test]
#[ignore = "played by another test"]
fn the_parent() {
    let Some(dir) = env::var_os(ROLE) else { return };
    let servers = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let dir = Path::new(&dir);
            let redis = Redis::start(&dir.join("redis"), RedisOptions::default()).await.unwrap();
            let postgres = Postgres::start(&dir.join("postgres"), PostgresOptions::default()).await.unwrap();
            (dir.to_owned(), redis, postgres)
        })
    });
    let (dir, redis, postgres) = servers.join().unwrap();
    fs::write(dir.join("pids.new"), format!("{} {}", redis.process().pid(), postgres.process().pid()))
        .unwrap();
    fs::rename(dir.join("pids.new"), dir.join("pids")).unwrap();
    loop {
        std::thread::park();
    }
}

/// A zombie that nobody has collected does not run.
fn runs(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    kill(Pid::from_raw(pid), None).is_ok() && !state.contains(") Z ")
}
