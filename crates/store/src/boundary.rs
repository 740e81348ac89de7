//! The moments between two things that must both happen: before and after each commit, each file that is put in another
//! place. A test may stop the process at any of them; in a build without the feature they are nothing.

#[cfg(feature = "crash-points")]
static VISITOR: std::sync::OnceLock<fn(&'static str)> = std::sync::OnceLock::new();

/// From now on `visitor` is told of every moment, by its name. Only the first one counts.
#[cfg(feature = "crash-points")]
pub fn visit_boundaries(visitor: fn(&'static str)) {
    let _ = VISITOR.set(visitor);
}

/// Names a moment.
#[inline]
pub(crate) fn at(name: &'static str) {
    #[cfg(feature = "crash-points")]
    if let Some(visitor) = VISITOR.get() {
        visitor(name);
    }
    #[cfg(not(feature = "crash-points"))]
    let _ = name;
}
