//! `xtask reproduce`: builds what ships twice, in two folders with other names, and compares byte by byte.
//!
//! Whoever doubts a published program can build it anew and hold the two against each other. That needs a program
//! that says nothing of the place it was built in; [`say_nothing_of_here`] is what a release build is given for that.

use crate::run::{cargo, npm, read, run, say};
use crate::{project, setup};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where builds lie, below target. One lies deeper and has a longer name: a path that got in would change lengths too.
const PLACES: [&str; 2] = ["reproduce/one", "reproduce/a-second/and-longer-place"];
/// Splits the flags in `CARGO_ENCODED_RUSTFLAGS` (Cargo book, "Environment variables").
const BETWEEN_FLAGS: &str = "\u{1f}";

/// Takes the folders of this machine and the time out of what a cargo command builds: the sources become `/roundtrip`,
/// cargo's crates `/cargo`, the compiler's own sources `/rust`; the time is that of the commit.
pub fn say_nothing_of_here(command: &mut Command, root: &Path, target: &Path) -> Result<()> {
    let maps = [
        // The last one that fits counts, so a target folder within the sources comes after them.
        (root.to_path_buf(), "/roundtrip"),
        (target.to_path_buf(), "/roundtrip/target"),
        (cargo_home()?, "/cargo"),
        (sysroot()?, "/rust"),
    ];
    let mut flags = vec![env::var("RUSTFLAGS").unwrap_or_default()];
    flags.retain(|flag| !flag.is_empty());
    flags = flags
        .iter()
        .flat_map(|text| text.split_whitespace())
        .map(str::to_owned)
        .collect();
    let mut c_flags = env::var_os("CFLAGS").unwrap_or_default();
    for (from, to) in &maps {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        c_flags.push(format!(" -ffile-prefix-map={}={to}", from.display()));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join(BETWEEN_FLAGS));
    if cfg!(unix) {
        command.env("CFLAGS", c_flags);
    }
    // Sources that came without their history have no time; then none is said.
    if let Ok(time) = read(git(root).args(["log", "-1", "--format=%ct"])) {
        command.env("SOURCE_DATE_EPOCH", time.trim());
    }
    Ok(())
}

/// Builds the last commit twice. True if both are the same.
pub fn reproduce() -> Result<bool> {
    setup::setup(setup::Need::Build)?;
    let mut made = Vec::new();
    for place in PLACES {
        let place = project::target().join(place);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        made.push(build_in(&place)?);
    }
    let mut same = true;
    let (first, second) = (&made[0], &made[1]);
    say("comparing");
    for (name, digest) in &first.window {
        let other = second.window.iter().find(|(found, _)| found == name);
        if other.map(|(_, other)| other) != Some(digest) {
            println!("differs: ui/dist/{name}");
            same = false;
        }
    }
    same &= first.window.len() == second.window.len();
    println!("{} files of the window", first.window.len());
    for build in &made {
        println!("{}  {}", build.program, build.path.display());
    }
    same &= first.program == second.program;
    println!("{}", if same { "the same" } else { "not the same" });
    Ok(same)
}

struct Made {
    path: PathBuf,
    program: String,
    window: Vec<(String, String)>,
}

fn build_in(place: &Path) -> Result<Made> {
    say(&format!("building in {}", place.display()));
    let parent = place.parent().context("a place has a folder above it")?;
    fs::create_dir_all(parent)?;
    run(git(&project::root())
        .args(["clone", "--quiet", "--no-hardlinks", "."])
        .arg(place))?;
    let ui = place.join("ui");
    setup::packages_of(&ui)?;
    run(npm(&ui).args(["run", "--silent", "build"]))?;
    let target = place.join("target");
    let mut command = cargo();
    command
        .current_dir(place)
        .env("CARGO_TARGET_DIR", &target)
        .args(["build", "--locked", "--release", "-p", "roundtrip"])
        .args(crate::building::FEATURES);
    say_nothing_of_here(&mut command, place, &target)?;
    run(&mut command)?;
    let path = target
        .join(project::Profile::Release.folder())
        .join(format!("roundtrip{}", env::consts::EXE_SUFFIX));
    let bytes = fs::read(&path)?;
    if let Some(found) = [place.to_path_buf(), cargo_home()?]
        .into_iter()
        .find(|folder| holds(&bytes, folder))
    {
        bail!("the program names {}", found.display());
    }
    let mut window = Vec::new();
    digests(&ui.join("dist"), "", &mut window)?;
    if window.is_empty() {
        bail!("no file of the window was built");
    }
    window.sort();
    Ok(Made {
        path,
        program: digest(&bytes),
        window,
    })
}

fn holds(bytes: &[u8], folder: &Path) -> bool {
    let folder = folder.as_os_str().as_encoded_bytes();
    !folder.is_empty() && bytes.windows(folder.len()).any(|part| part == folder)
}

fn digests(folder: &Path, below: &str, into: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            digests(&entry.path(), &format!("{name}/"), into)?;
        } else {
            into.push((name, digest(&fs::read(entry.path())?)));
        }
    }
    Ok(())
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder);
    command
}

fn cargo_home() -> Result<PathBuf> {
    let home = |name: &str| {
        env::var_os(name)
            .filter(|dir: &OsString| !dir.is_empty())
            .map(PathBuf::from)
    };
    home("CARGO_HOME")
        .or_else(|| env::home_dir().map(|dir| dir.join(".cargo")))
        .context("there is no home folder, and CARGO_HOME is not set")
}

fn sysroot() -> Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let path = read(Command::new(rustc).args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(path.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_build_is_told_to_name_no_folder_of_this_machine() {
        let mut command = Command::new("cargo");
        let root = Path::new("/build/somebody/roundtrip");
        say_nothing_of_here(&mut command, root, &root.join("target")).expect("there is a compiler");
        let flags = command
            .get_envs()
            .find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS")
            .and_then(|(_, value)| value)
            .expect("flags are set")
            .to_string_lossy()
            .into_owned();
        let flags: Vec<&str> = flags.split(BETWEEN_FLAGS).collect();
        let place = |wanted: &str| flags.iter().position(|flag| *flag == wanted);
        let sources = place("--remap-path-prefix=/build/somebody/roundtrip=/roundtrip");
        let target = place("--remap-path-prefix=/build/somebody/roundtrip/target=/roundtrip/target");
        assert!(sources.is_some() && sources < target, "{flags:?}");
    }

    #[test]
    fn a_folder_that_got_into_a_program_is_found() {
        assert!(holds(
            b"\x7fELF...panicked at /build/somebody/src",
            Path::new("/build/somebody")
        ));
        assert!(!holds(
            b"\x7fELF...panicked at /roundtrip/src",
            Path::new("/build/somebody")
        ));
    }
}
