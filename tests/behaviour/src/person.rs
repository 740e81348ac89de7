//! Who is who in the sandbox.

/// Somebody with an account on the platform and one at Google.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Id on the platform.
    pub user: &'static str,
    /// Address on the platform.
    pub email: &'static str,
    /// Address at Google.
    pub google: &'static str,
}

/// Mara Vogt, a trainer in Berlin.
pub const MARA: Person = Person {
    user: "usr_7",
    email: "mara@example.org",
    google: "mara.vogt@gmail.example",
};
/// Ben Adler, another trainer in Berlin.
pub const BEN: Person = Person {
    user: "usr_8",
    email: "ben@example.org",
    google: "ben.adler@gmail.example",
};
/// Lena West, a trainer in Los Angeles whose calendar is in New York's time.
pub const LENA: Person = Person {
    user: "usr_9",
    email: "lena@example.org",
    google: "lena.west@gmail.example",
};
/// Jana Roth, an admin with appointments of her own.
pub const JANA: Person = Person {
    user: "usr_1",
    email: "jana@example.org",
    google: "jana.roth@gmail.example",
};
