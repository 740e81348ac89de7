//! Child processes that end with us.
//!
//! Each one leads its own process group; the group is ended when its value is dropped, when we are told to end by a
//! signal, and (on Linux, through `setpriv`) by the kernel if we are killed outright.

use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Process groups and single children that are alive now.
static ALIVE: Mutex<Vec<Living>> = Mutex::new(Vec::new());
/// Desks whose stragglers must end too, and whose folders must go: mark and folder.
static DESKS: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());
/// Set once a signal told us to end.
static ENDING: AtomicBool = AtomicBool::new(false);

/// The variable by which all processes of one desk can be found, those started by the session bus as well.
pub const MARK: &str = "ROUNDTRIP_DESK";

#[derive(Clone, Copy, PartialEq, Eq)]
struct Living {
    pid: u32,
    group: bool,
}

/// True once we are told to end.
pub fn ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// How long a process may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// A running child that leads its own process group.
pub struct Process {
    name: String,
    child: Child,
    log: Option<PathBuf>,
}

impl Process {
    /// Starts it with its output in a file.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Process> {
        let out = File::create(log).with_context(|| format!("couldn't write {}", log.display()))?;
        command.stdout(out.try_clone()?).stderr(out);
        let mut process = Self::start_with_output(name, command)?;
        process.log = Some(log.to_path_buf());
        Ok(process)
    }

    /// Starts it with its output as set in the command.
    pub fn start_with_output(name: &str, mut command: Command) -> Result<Process> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .spawn()
            .with_context(|| format!("couldn't start {name}"))?;
        remember(Living {
            pid: child.id(),
            group: true,
        });
        Ok(Process {
            name: name.to_owned(),
            child,
            log: None,
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The pipes, if asked for.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Fails with the end of its log if it is no longer alive.
    pub fn expect_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            anyhow::bail!("{} ended ({status}){}", self.name, self.last_words());
        }
        Ok(())
    }

    /// Its end, if it came.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Ends it at once, without giving it a chance to tidy up: what a power cut does.
    pub fn kill(&mut self) {
        kill_group(self.child.id(), true);
        let _ = self.child.wait();
        forget(self.child.id());
    }

    /// Asks it to end, then makes it.
    pub fn stop(&mut self) {
        let pid = self.child.id();
        if matches!(self.child.try_wait(), Ok(None)) {
            kill_group(pid, false);
            let start = Instant::now();
            while start.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // Also when the leader has gone: members of its group may be left.
        kill_group(pid, true);
        let _ = self.child.wait();
        forget(pid);
    }

    /// The last lines of its output, for an error message.
    pub fn last_words(&self) -> String {
        let Some(log) = &self.log else {
            return String::new();
        };
        let text = std::fs::read(log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(12).collect();
        if lines.is_empty() {
            return String::new();
        }
        format!(
            ":\n    {}",
            lines.into_iter().rev().collect::<Vec<_>>().join("\n    ")
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A command whose process the kernel ends when ours is gone, where that can be had.
pub fn guarded(program: impl AsRef<std::ffi::OsStr>) -> Command {
    #[cfg(target_os = "linux")]
    {
        let setpriv = Path::new("/usr/bin/setpriv");
        if setpriv.exists() {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program.as_ref());
            return command;
        }
    }
    Command::new(program)
}

/// Runs a foreground child (it keeps our terminal) and waits; a signal to us reaches it too.
pub fn wait_for(mut child: Child) -> Result<ExitStatus> {
    let living = Living {
        pid: child.id(),
        group: false,
    };
    remember(living);
    let status = child.wait();
    forget(child.id());
    Ok(status?)
}

/// A command with nothing on its standard input.
pub fn quiet(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// From now on a signal ends all children first, then us.
pub fn end_children_on_signals() -> Result<()> {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                ENDING.store(true, Ordering::SeqCst);
                end_all();
                std::process::exit(128 + signal);
            }
        });
    }
    Ok(())
}

/// Ends everything that is still alive.
pub fn end_all() {
    let living: Vec<Living> = ALIVE.lock().map(|alive| alive.clone()).unwrap_or_default();
    for one in &living {
        if one.group {
            kill_group(one.pid, false)
        } else {
            kill_one(one.pid, false)
        }
    }
    let start = Instant::now();
    while start.elapsed() < GRACE && living.iter().any(|one| exists(one.pid)) {
        std::thread::sleep(Duration::from_millis(20));
    }
    for one in &living {
        if one.group {
            kill_group(one.pid, true)
        } else {
            kill_one(one.pid, true)
        }
    }
    let desks = DESKS.lock().map(|desks| desks.clone()).unwrap_or_default();
    for (mark, folder) in desks {
        sweep(&mark);
        // Nothing can be done about a folder that will not go; we are ending.
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Remembers a desk, so that a signal ends its stragglers and removes its folder too.
pub fn remember_desk(mark: &str, folder: &Path) {
    if let Ok(mut desks) = DESKS.lock() {
        desks.push((mark.to_owned(), folder.to_path_buf()));
    }
}

/// Ends what carries the mark and still lives: what the session bus or the web view started in groups of their own.
pub fn sweep(mark: &str) {
    for pid in marked(mark) {
        kill_one(pid, true);
    }
}

/// The processes that carry the mark of a desk.
pub fn marked(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok())
        })
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ
                .split(|byte| *byte == 0)
                .any(|entry| entry == wanted.as_bytes())
        })
        .collect()
}

/// All processes below another, as the system knows them.
pub fn descendants(root: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pairs: Vec<(u32, u32)> = entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok())
        })
        .filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect();
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.remove(0);
    found
}

/// The name of a process, cut to 15 letters as the system keeps it; empty if it has gone.
pub fn name_of(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything; the fields after it are plain.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn remember(living: Living) {
    if let Ok(mut alive) = ALIVE.lock() {
        alive.push(living);
    }
}

fn forget(pid: u32) {
    if let Ok(mut alive) = ALIVE.lock() {
        alive.retain(|one| one.pid != pid);
    }
}

#[cfg(unix)]
fn pid_of(pid: u32) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)
}

#[cfg(unix)]
fn signal(now: bool) -> rustix::process::Signal {
    if now {
        rustix::process::Signal::KILL
    } else {
        rustix::process::Signal::TERM
    }
}

#[cfg(unix)]
fn kill_group(pid: u32, now: bool) {
    if let Some(pid) = pid_of(pid) {
        let _ = rustix::process::kill_process_group(pid, signal(now));
    }
}

#[cfg(unix)]
fn kill_one(pid: u32, now: bool) {
    if let Some(pid) = pid_of(pid) {
        let _ = rustix::process::kill_process(pid, signal(now));
    }
}

#[cfg(unix)]
fn exists(pid: u32) -> bool {
    pid_of(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

#[cfg(not(unix))]
fn kill_group(pid: u32, _now: bool) {
    kill_one(pid, true);
}

#[cfg(not(unix))]
fn kill_one(pid: u32, _now: bool) {
    // Windows has no process groups; taskkill ends the tree.
    let _ = quiet("taskkill")
        .args(["/T", "/F", "/PID", &pid.to_string()])
        .output();
}

#[cfg(not(unix))]
fn exists(_pid: u32) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn dropping_a_process_ends_its_whole_group() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let mark = format!("drop-{}", std::process::id());
        let mut command = quiet("sh");
        command.args(["-c", "sleep 600 & sleep 600"]).env(MARK, &mark);
        let process = Process::start("sh", command, &dir.path().join("log"))?;
        crate::wait::until_true("both sleeps", crate::wait::seconds(10), || {
            Ok(marked(&mark).len() >= 3)
        })?;
        drop(process);
        crate::wait::until_true("nothing left", crate::wait::seconds(10), || {
            Ok(marked(&mark).is_empty())
        })
    }

    #[test]
    fn a_sweep_finds_what_left_the_group() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let mark = format!("sweep-{}", std::process::id());
        let mut command = quiet("setsid");
        command.args(["--fork", "sleep", "600"]).env(MARK, &mark);
        let process = Process::start("setsid", command, &dir.path().join("log"))?;
        // The one that forks is gone, and what it started is there.
        let sleeps = |pid: &u32| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep")
        };
        crate::wait::until_true("the sleep", crate::wait::seconds(10), || {
            let found = marked(&mark);
            Ok(found.len() == 1 && found.iter().all(sleeps))
        })?;
        drop(process);
        assert_eq!(
            marked(&mark).len(),
            1,
            "it left the group, so only a sweep ends it"
        );
        sweep(&mark);
        crate::wait::until_true("nothing left", crate::wait::seconds(10), || {
            Ok(marked(&mark).is_empty())
        })
    }
}
