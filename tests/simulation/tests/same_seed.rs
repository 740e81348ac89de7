//! I14: the same seed is the same story.

use roundtrip_simulation::desk::Desk;
use roundtrip_simulation::world::{self, Outcome};
use std::rc::Rc;

fn run(seed: u64, desk: &Rc<Desk>) -> Outcome {
    world::run(seed, desk, false).expect("a place for the databases")
}

#[test]
fn the_same_seed_gives_the_same_trace_on_a_fresh_desk_and_on_a_used_one() {
    let used = Rc::new(Desk::new().expect("a place for the databases"));
    let other = run(4, &used);
    for seed in [2, 7] {
        let fresh = Rc::new(Desk::new().expect("a place for the databases"));
        let (one, again) = (run(seed, &fresh), run(seed, &used));
        assert_eq!(one.hash, again.hash, "seed {seed}");
        assert_eq!(one.violations, []);
        assert_ne!(one.hash, other.hash);
    }
}
