//! Makes cargo look again when a migration is added: the embedding macro alone notices only changed ones.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
