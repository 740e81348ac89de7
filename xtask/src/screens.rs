//! `xtask screens`: pictures of every screen and state, small enough to be kept in `docs/screens/`.

use crate::gallery::{Gallery, View};
use crate::project;
use crate::run::say;
use crate::setup::{self, Need};
use anyhow::Result;
use std::path::PathBuf;

/// What can be chosen.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Only pictures whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
    /// Put them here at full size instead, to look at.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// The page's size for most pictures: what a small laptop leaves to a window.
const USUAL: (u32, u32) = (1160, 800);
/// As narrow as the window gets.
const NARROW: (u32, u32) = (440, 800);
/// Width of the pictures that are kept.
const KEPT: u32 = 880;

type Picture = (&'static str, View<'static>, (u32, u32));

/// All of them; at most 40 are kept.
pub fn pictures() -> Vec<Picture> {
    let of = View::of;
    let usual = |name, view| (name, view, USUAL);
    vec![
        usual("onboarding-platform", of("fresh", "/")),
        usual("onboarding-google", of("onboarding-google", "/").german()),
        usual("onboarding-preview", of("preview", "/").german()),
        usual("today", of("healthy", "/")),
        usual("today-dark-german", of("healthy", "/").dark().german()),
        usual("today-syncing", of("syncing", "/")),
        usual("today-offline", of("offline", "/").dark()),
        usual("today-paused", of("paused", "/").german()),
        usual("today-sign-in-needed", of("reauth", "/")),
        usual("today-question", of("question", "/")),
        usual("today-second-laptop", of("second-laptop", "/")),
        usual("today-empty", of("empty", "/")),
        usual("today-error", of("error", "/").dark()),
        ("today-narrow", of("conflicts", "/").german(), NARROW),
        usual("today-large-text", of("healthy", "/").text(200)),
        usual("appointments", of("healthy", "/appointments")),
        usual("appointments-2000", of("many", "/appointments").dark()),
        usual(
            "appointments-why-not",
            of("healthy", "/appointments/apt_5").german(),
        ),
        usual("week", of("conflicts", "/appointments?view=week&day={next-week}")),
        usual(
            "week-dark-german",
            of("agenda", "/appointments?view=week&day={next-week}")
                .dark()
                .german(),
        ),
        (
            "appointments-narrow",
            of("healthy", "/appointments").dark(),
            NARROW,
        ),
        usual("decisions", of("conflicts", "/conflicts")),
        usual("decision-time", of("conflicts", "/conflicts/cf_1").german()),
        usual("decision-dark", of("conflicts", "/conflicts/cf_2").dark()),
        ("decision-narrow", of("conflicts", "/conflicts/cf_1"), NARROW),
        usual("history", of("healthy", "/history")),
        usual("history-runs", of("error", "/history?view=runs").german()),
        usual(
            "history-one-appointment",
            of("healthy", "/history?appointment=apt_1").dark(),
        ),
        usual("history-calendar-then", of("healthy", "/history?view=then")),
        usual("settings-accounts", of("healthy", "/settings?section=accounts")),
        usual(
            "settings-which",
            of("healthy", "/settings?section=which").german(),
        ),
        usual("settings-privacy", of("healthy", "/settings?section=content")),
        usual("settings-rules", of("healthy", "/settings?section=rules").dark()),
        usual(
            "settings-advanced",
            of("healthy", "/settings?section=advanced").german(),
        ),
        usual("components", of("healthy", "/ui")),
    ]
}

/// Takes them.
pub fn take(options: &Options) -> Result<()> {
    setup::setup(Need::Everything)?;
    let logs = project::target().join("screens");
    let folder = match &options.out {
        Some(out) => out.clone(),
        None => project::root().join("docs/screens"),
    };
    std::fs::create_dir_all(&folder)?;
    let gallery = Gallery::open(&logs)?;
    say("taking pictures");
    let mut size = (0, 0);
    for (name, view, wanted) in pictures() {
        if options.only.as_deref().is_some_and(|part| !name.contains(part)) {
            continue;
        }
        gallery.show(&view)?;
        if size != wanted {
            gallery.size(wanted.0, wanted.1)?;
            size = wanted;
            gallery.drawn()?;
        }
        let width = options.out.is_none().then_some(KEPT.min(wanted.0));
        let file = folder.join(format!("{name}.png"));
        gallery.picture(&file, width)?;
        println!("{name}: {}", view.name());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_40_pictures_are_kept_and_each_has_its_own_name() {
        let mut names: Vec<&str> = pictures().iter().map(|(name, ..)| *name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(all <= 40, "{all} pictures");
    }
}
