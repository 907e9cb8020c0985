//! A newcomer's first five minutes, at a terminal: bring the mesh up, send a purchase, look at the customer, change a mapping,
//! see the change, and find everything again after a restart.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rexpect::{
    process::WaitStatus,
    reader::Options,
    session::{PtySession, spawn_with_options},
};
use tributary_testkit::program;

use crate::world::turn;

/// Longer than anything takes that goes well; starting everything is the longest.
const PATIENCE: Duration = Duration::from_secs(120);
const MAPPINGS: &str = "example/mappings.yaml";
const BEFORE: &str = "{path: purchases.count, op: increment, value: 1}";
const AFTER: &str = "{path: purchases.count, op: increment, value: 10}";

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomers_first_five_minutes() -> anyhow::Result<()> {
    let _turn = turn().await;
    tokio::task::spawn_blocking(first_five_minutes).await?
}

fn first_five_minutes() -> anyhow::Result<()> {
    let desk = Desk::new()?;
    let mut mesh = desk.terminal("exec tributary up --config example")?;
    mesh.exp_string("Tributary is up. Ctrl-C stops it.")?;
    mesh.exp_regex("configuration +[^\n]*tributary apply")?;

    // What is there already changes nothing.
    let said = desk.enter("tributary apply -f example")?;
    ensure!(said.contains("nothing to change"), "{said}");
    ensure!(said.contains("revision 1-") && said.contains("all stages run it"), "{said}");

    let mut tail = desk.terminal("exec tributary tail --type purchase")?;
    tail.exp_string("waiting for what comes")?;
    let said = desk.enter("echo '00004 0001 19970101 2 29.33' | tributary send -")?;
    ensure!(said.contains("accepted 1"), "{said}");
    tail.exp_regex("purchase +0001 +[0-9a-f]+ +[^\n]*29.33")?;
    ensure!(shown(&desk, "purchases.count")? == "1");

    let file = desk.folder.path().join(MAPPINGS);
    let text = fs::read_to_string(&file)?;
    ensure!(text.contains(BEFORE), "the example's mapping of purchases has changed: {text}");
    fs::write(&file, text.replace(BEFORE, AFTER))?;
    let said = desk.enter("tributary apply -f example --note 'ten for one'")?;
    for part in ["~ Mapping purchase", "- 1", "+ 10", "1 changed", "revision 2-", "all stages run it"] {
        ensure!(said.contains(part), "`{part}` is missing in: {said}");
    }
    let said = desk.enter("tributary history")?;
    ensure!(said.contains("2-") && said.contains("ten for one") && said.contains("1-"), "{said}");

    let said = desk.enter("echo '00004 0001 19970102 1 9.99' | tributary send -")?;
    ensure!(said.contains("accepted 1"), "{said}");
    tail.exp_string("9.99")?;
    ensure!(shown(&desk, "purchases.count")? == "11");

    tail.send_control('c')?;
    tail.exp_string("--resume")?;
    ended_well(&mut tail)?;
    mesh.send_control('c')?;
    mesh.exp_string("stopping")?;
    ended_well(&mut mesh)?;
    ensure!(!desk.folder.path().join(".tributary/env").exists(), "it still says where the mesh is");
    let (said, _) = ended(desk.terminal("tributary profile 0001")?)?;
    ensure!(said.contains("start a mesh here with deploy/up"), "{said}");

    // The next day: the directory was only the beginning.
    fs::remove_dir_all(desk.folder.path().join("example"))?;
    let mut mesh = desk.terminal("exec tributary up --config example")?;
    mesh.exp_regex("configuration +revision 2-[^\n]*tributary apply")?;
    ensure!(shown(&desk, "purchases.count")? == "11");
    mesh.send_control('c')?;
    ended_well(&mut mesh)?;
    Ok(())
}

/// A folder of the newcomer's own, and terminals in it.
struct Desk {
    folder: tempfile::TempDir,
    /// Where the programs lie.
    path: String,
}

impl Desk {
    fn new() -> anyhow::Result<Desk> {
        let folder = tempfile::tempdir()?;
        // Servers that root starts run under another account, which must get there.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        copy(&root().join("deploy/example"), &folder.path().join("example"))?;
        let bin = program("tributary")?;
        let bin = bin.parent().context("the program lies nowhere")?;
        let path = format!("{}:{}", bin.display(), env::var("PATH")?);
        Ok(Desk { folder, path })
    }

    /// A line of a shell in a terminal, with nothing of the test's own environment that the command reads.
    fn terminal(&self, line: &str) -> anyhow::Result<PtySession> {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.folder.path());
        command.env_clear().env("PATH", &self.path).env("TERM", "xterm");
        let tools = env::var_os("TRIBUTARY_TOOLS").unwrap_or_else(|| root().join(".tributary/tools").into());
        command.env("TRIBUTARY_TOOLS", tools);
        let patience = u64::try_from(PATIENCE.as_millis())?;
        // Colours are there, and do not matter here.
        let options = Options::new().timeout_ms(Some(patience)).strip_ansi_escape_codes(true);
        let mut session = spawn_with_options(command, options)?;
        session.process_mut().set_kill_timeout(Some(20_000));
        Ok(session)
    }

    /// What a command says that goes well.
    fn enter(&self, line: &str) -> anyhow::Result<String> {
        let (said, status) = ended(self.terminal(line)?)?;
        ensure!(is_well(&status), "{line}: {status:?}: {said}");
        Ok(said)
    }
}

/// A field of the customer, as the table shows it.
fn shown(desk: &Desk, path: &str) -> anyhow::Result<String> {
    let said = desk.enter("tributary profile 0001")?;
    let line = said.lines().find_map(|line| line.trim().strip_prefix(path));
    Ok(line.with_context(|| format!("{path} is missing in: {said}"))?.trim().to_owned())
}

fn ended_well(session: &mut PtySession) -> anyhow::Result<()> {
    let said = session.exp_eof()?;
    let status = session.process().wait()?;
    ensure!(is_well(&status), "{status:?}: {said}");
    Ok(())
}

fn ended(mut session: PtySession) -> anyhow::Result<(String, WaitStatus)> {
    let said = session.exp_eof()?;
    let status = session.process().wait()?;
    Ok((said, status))
}

fn is_well(status: &WaitStatus) -> bool {
    matches!(status, WaitStatus::Exited(_, 0))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?
        } else {
            fs::copy(entry.path(), to).map(drop)?
        }
    }
    Ok(())
}
