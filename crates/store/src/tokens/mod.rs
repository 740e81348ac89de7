//! Tokens: the key, where it comes from, and how it seals them.

pub(crate) mod key;
pub(crate) mod keychain;
pub(crate) mod seal;
pub(crate) mod vault;
