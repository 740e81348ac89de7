//! Planted violations: each must be found.
