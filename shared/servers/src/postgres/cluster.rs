//! The data folder of Postgres: made once, checked ever after.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Launch, Process, ServerError, account::Account, find_program};

const INIT: Duration = Duration::from_secs(120);

/// The data folder below `home`, made by `initdb` if it is not there yet.
pub(super) async fn prepare(
    postgres: &Path,
    home: &Path,
    account: Option<Account>,
) -> Result<PathBuf, ServerError> {
    let data = home.join("data");
    if data.join("PG_VERSION").exists() {
        check_version(postgres, &data)?;
        return Ok(data);
    }
    // Made under another name first: an interrupted initdb leaves half a folder, which must not pass for a whole one.
    let fresh = home.join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(ServerError::file("remove", &fresh))?;
    }
    init(postgres, home, &fresh, account).await?;
    fs::rename(&fresh, &data).map_err(ServerError::file("rename", &fresh))?;
    Ok(data)
}

async fn init(
    postgres: &Path,
    home: &Path,
    data: &Path,
    account: Option<Account>,
) -> Result<(), ServerError> {
    let mut launch = Launch::new("initdb", beside(postgres)?, home.join("initdb.log"));
    launch.args = [
        "-U",
        super::NAME,
        "-E",
        "UTF8",
        "--locale=C",
        "--auth-local=trust",
        "--auth-host=reject",
        "--no-sync",
    ]
    .map(Into::into)
    .into();
    launch.args.extend(["-D".into(), data.display().to_string()]);
    launch.dir = Some(home.to_owned());
    launch.account = account;
    let initdb = Process::start(launch)?;
    match initdb.ready(INIT, || async { Err("still at work".into()) }).await {
        Err(ServerError::Ended { .. }) if initdb.ended().is_some_and(|status| status.success()) => Ok(()),
        outcome => outcome,
    }
}

/// `initdb` of the same version, so from the same folder.
fn beside(postgres: &Path) -> Result<PathBuf, ServerError> {
    let real = postgres.canonicalize().map_err(ServerError::file("find", postgres))?;
    let initdb = real.with_file_name("initdb");
    if initdb.exists() { Ok(initdb) } else { find_program("initdb", "apt-get install postgresql") }
}

fn check_version(postgres: &Path, data: &Path) -> Result<(), ServerError> {
    let file = data.join("PG_VERSION");
    let found = fs::read_to_string(&file).map_err(ServerError::file("read", &file))?.trim().to_owned();
    let real = postgres.canonicalize().map_err(ServerError::file("find", postgres))?;
    // The version is a part of the path on Debian; elsewhere Postgres itself refuses what it cannot read.
    let mut versions =
        real.iter().filter_map(|part| part.to_str()).filter(|part| part.parse::<u32>().is_ok());
    match versions.next_back() {
        Some(running) if running != found => {
            Err(ServerError::OtherVersion { path: data.into(), found, running: running.into() })
        }
        _ => Ok(()),
    }
}
