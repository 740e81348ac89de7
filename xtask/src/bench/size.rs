//! How large what is shipped is.

use super::{Bench, Figure};
use crate::project;
use crate::run::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What the package needs beside the program: as the bundler puts it.
const DESKTOP: &str = "[Desktop Entry]\nType=Application\nName=Roundtrip\nExec=roundtrip %u\nIcon=roundtrip\n\
    Categories=Office;\nMimeType=x-scheme-handler/roundtrip;\n";

/// The program, and a Debian package of it with its icons, compressed as `dpkg-deb` does it.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let binary = project::binary("roundtrip", bench.profile);
    let size = |path: &Path| -> Result<f64> {
        let about = fs::metadata(path).with_context(|| format!("no {}", path.display()))?;
        Ok(about.len() as f64 / 1024.0 / 1024.0)
    };
    let mut figures = vec![
        Figure::new("program", size(&binary)?, "MiB")
            .at_most(20.0)
            .anchor("8.6 MiB (hello world)"),
    ];
    if cfg!(target_os = "linux") {
        let deb = package(&bench.folder, &binary)?;
        figures.push(Figure::new("Debian package", size(&deb)?, "MiB").at_most(10.0));
    }
    Ok(figures)
}

fn package(folder: &Path, binary: &Path) -> Result<std::path::PathBuf> {
    let root = folder.join("package");
    let copy = |from: &Path, to: &str| -> Result<()> {
        let to = root.join(to);
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::copy(from, to)?;
        Ok(())
    };
    copy(binary, "usr/bin/roundtrip")?;
    for size in ["32x32", "128x128", "128x128@2x"] {
        let icon = project::root().join(format!("icons/{size}.png"));
        copy(
            &icon,
            &format!("usr/share/icons/hicolor/{size}/apps/roundtrip.png"),
        )?;
    }
    fs::create_dir_all(root.join("usr/share/applications"))?;
    fs::write(root.join("usr/share/applications/Roundtrip.desktop"), DESKTOP)?;
    fs::create_dir_all(root.join("DEBIAN"))?;
    fs::write(
        root.join("DEBIAN/control"),
        format!(
            "Package: roundtrip\nVersion: {}\nArchitecture: amd64\nMaintainer: Roundtrip\n\
             Depends: libayatana-appindicator3-1, libwebkit2gtk-4.1-0, libgtk-3-0\nDescription: Roundtrip\n",
            env!("CARGO_PKG_VERSION")
        ),
    )?;
    let deb = folder.join("roundtrip.deb");
    run(Command::new("dpkg-deb")
        .args(["--build", "--root-owner-group"])
        .arg(&root)
        .arg(&deb))?;
    Ok(deb)
}
