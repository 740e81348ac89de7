//! Memory as Linux counts it.

use crate::process;

/// The highest resident memory of a process so far (VmHWM).
pub(super) fn peak_mb(pid: u32) -> Option<f64> {
    field_mb(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// The proportional set size of one process: shared pages are split among those who share them.
pub(super) fn pss_mb(pid: u32) -> Option<f64> {
    field_mb(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// A process tree: name and PSS of each.
pub(super) fn tree(root: u32) -> Vec<(String, f64)> {
    let mut all = vec![root];
    all.extend(process::descendants(root));
    all.into_iter()
        .filter_map(|pid| Some((process::name_of(pid), pss_mb(pid)?)))
        .collect()
}

fn field_mb(file: &str, field: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
