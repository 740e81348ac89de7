//! Builds Tauri's context and lists the commands that the window may call: all others are refused.

fn main() {
    let commands: Vec<&'static str> = include_str!("commands.txt")
        .lines()
        .filter(|line| !line.is_empty())
        .collect();
    // Leaked once per build: the manifest wants names that live as long as the build does.
    let commands: &'static [&'static str] = Box::leak(commands.into_boxed_slice());
    let attributes =
        tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(commands));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
        std::process::exit(1);
    }
}
