//! Tokens: the key, where it comes from, and how it seals them.

pub(crate) mod key;
pub(crate) mod keychain;
pub(crate) mod seal;
pub(crate) mod vault;

#[cfg(test)]
mod tests {
    use super::key::{EnvKey, Key, KeySource};
    use super::keychain::KeychainKey;
    use super::seal::TokenSet;
    use super::vault::{State, Vault};
    use std::fmt::{Debug, Display};

    /// Whether a type has a trait, told while compiling: the inherent constant comes first where its condition holds.
    macro_rules! has {
        ($type:ty: $condition:path) => {{
            #[allow(dead_code)] // where it holds, the other one answers
            trait Otherwise {
                const ANSWER: bool = false;
            }
            impl<T> Otherwise for T {}
            struct Asked<T>(std::marker::PhantomData<T>);
            #[allow(dead_code)] // where it does not hold, the one above answers
            impl<T: $condition> Asked<T> {
                const ANSWER: bool = true;
            }
            <Asked<$type>>::ANSWER
        }};
    }

    macro_rules! in_no_form {
        ($($type:ty),+) => {
            $(assert!(!has!($type: Debug) && !has!($type: Display) && !has!($type: serde::Serialize));)+
        };
    }

    #[test]
    fn what_holds_a_secret_can_be_neither_shown_nor_serialised() {
        // A build of this test fails, and not only its run.
        const {
            in_no_form!(Key, EnvKey, KeychainKey, KeySource, Vault, State);
            // It has `Debug`, which shows no token: see `seal`.
            assert!(!has!(TokenSet: Display) && !has!(TokenSet: serde::Serialize));
            // The question is able to hear a yes.
            assert!(has!(TokenSet: Debug) && has!(String: Display) && has!(String: serde::Serialize));
        }
    }
}
