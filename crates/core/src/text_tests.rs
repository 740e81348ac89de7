use super::*;
use crate::testing::{appointment, event_saying};
use proptest::prelude::*;

fn rendered(change: impl FnOnce(&mut Appointment), settings: &TextSettings) -> Rendered {
    let mut appointment = appointment();
    change(&mut appointment);
    render(&appointment, settings, Language::En, true)
}

#[test]
fn the_title_is_the_place_then_the_title_then_the_topic_then_coaching_session() {
    let settings = TextSettings::default();
    let place = rendered(|_| {}, &settings);
    let title = rendered(|a| a.place = None, &settings);
    let topic = rendered(|a| (a.place, a.title) = (None, None), &settings);
    let none = rendered(|a| (a.place, a.title, a.topic) = (None, None, None), &settings);
    assert_eq!(
        [place.title, title.title, topic.title, none.title],
        [
            "Linden-Apotheke",
            "Visit Linden",
            "Vaccination refresher",
            "Coaching Session"
        ]
    );
}

#[test]
fn client_names_and_contact_are_off_until_turned_on_and_never_against_the_platform() {
    let shy = rendered(|_| {}, &TextSettings::default());
    let open = TextSettings {
        client_names: true,
        client_contact: true,
        ..TextSettings::default()
    };
    let told = rendered(|_| {}, &open);
    let forbidden = render(&appointment(), &open, Language::En, false);
    for hidden in [&shy, &forbidden] {
        assert!(
            !hidden.title.contains("Ada") && !hidden.block.contains("ada@") && !hidden.block.contains("+49")
        );
    }
    assert!(told.title.contains("Ada Klein") && told.block.contains("ada@example.org"));
}

#[test]
fn a_private_appointment_says_busy_only() {
    let busy = rendered(|a| a.private = true, &TextSettings::default());
    assert_eq!(
        (busy.title.as_str(), busy.location.as_str(), busy.block.as_str()),
        ("Busy", "", "")
    );
    assert!(busy.private && busy.source_url.is_none());
}

#[test]
fn another_language_is_no_change() {
    let mut nameless = appointment();
    (nameless.place, nameless.title, nameless.topic) = (None, None, None);
    let en = render(&nameless, &TextSettings::default(), Language::En, true);
    let de = render(&nameless, &TextSettings::default(), Language::De, true);
    assert_ne!(en.title, de.title);
    assert_eq!(en.canonical(), de.canonical());
    assert!(de.title_wordings.contains(&en.title));
    // With the calendar, what is written there is compared, in its language.
    let event = Event {
        title: de.title.clone(),
        ..event_saying("")
    };
    assert_eq!(observed(&event).title, de.written().title);
    assert_ne!(observed(&event).title, en.written().title);
}

#[test]
fn a_link_of_another_scheme_is_not_written() {
    let r = rendered(|a| a.url = "javascript:alert(1)".into(), &TextSettings::default());
    assert!(r.source_url.is_none() && !r.block.contains("javascript"));
}

#[test]
fn html_notes_become_text() {
    assert_eq!(
        normalise("<p>Bring:</p><ul><li>A &amp; B</li><li>C</li></ul>"),
        "Bring:\n• A & B\n• C"
    );
    assert_eq!(normalise("a < b and c > d"), "a < b and c > d");
}

#[test]
fn own_text_before_and_after_the_block_survives_a_rewrite() {
    let first = compose(Some("Park behind the church."), "Notes\n\n↗ https://x.example/1");
    let edited = format!("{first}\nBring cake");
    let second = compose(Some(&edited), "New notes\n\n↗ https://x.example/1");
    let parts = split(&second);
    assert!(parts.before.starts_with("Park behind the church."));
    assert_eq!(parts.after, "\nBring cake");
    assert_eq!(
        normalise(parts.block.unwrap_or_default()),
        "New notes\n\n↗ https://x.example/1"
    );
}

#[test]
fn of_a_block_that_begins_more_than_once_the_last_beginning_counts() {
    let whole = compose(None, "Notes");
    // Two beginnings without an end before the block, one of them cut short; what stands behind them is the trainer's.
    let description = format!("Ä {MARK_LINE}\none\nö {MARK_START}\ntwo\nü {whole}");
    let parts = split(&description);
    assert_eq!(parts.before, description.strip_suffix(&whole).unwrap_or_default());
    assert_eq!(normalise(parts.block.unwrap_or_default()), "Notes");
    assert_eq!(parts.after, "");
}

#[test]
fn what_is_written_is_compared_in_normal_form() {
    let r = rendered(
        |a| a.place.as_mut().unwrap().name = Some("Ada\u{200b}  Apotheke ".into()),
        &TextSettings::default(),
    );
    let event = Event {
        title: r.title.clone(),
        ..event_saying(&compose(None, &r.block))
    };
    assert_eq!(observed(&event).title, r.written().title);
    assert!(r.written().title.is_some());
}

#[test]
fn notes_with_marker_lines_out_of_another_event_are_written_once_and_not_reported() {
    let pasted = compose(Some("Ring twice."), "Bring handouts.\n\n↗ https://x.example/2");
    let r = rendered(|a| a.notes = Some(pasted.clone()), &TextSettings::default());
    let event = event_saying(&compose(Some("Mine."), &r.block));
    assert_eq!(observed(&event).notes, r.written().notes);
    assert!(
        r.block.starts_with("Ring twice.\n\n── Roundtrip ──"),
        "{}",
        r.block
    );
    assert!(!r.notes_whole, "reported, they would have other dashes");
    assert_eq!(compose(Some(&event.description), &r.block), event.description);
    let single = rendered(|a| a.notes = Some("A ┈ B".into()), &TextSettings::default());
    assert!(single.block.starts_with("A ┈ B") && single.notes_whole);
    let link = rendered(
        |a| a.url = format!("https://x.example/{RUN}"),
        &TextSettings::default(),
    );
    assert!(!link.block.contains('┈'));
}

#[test]
fn own_html_stays_as_it_is() {
    let first = compose(Some("<b>Mine</b>"), "Notes <1>");
    assert!(first.starts_with("<b>Mine</b><br>"));
    assert_eq!(normalise(split(&first).block.unwrap_or_default()), "Notes <1>");
}

#[test]
fn edited_notes_are_found_and_a_deleted_block_reports_nothing() {
    let description = compose(None, BLOCK);
    let edited = description.replace("handouts", "two handouts");
    assert_eq!(
        notes_in(&event_saying(&edited), BLOCK),
        Some("Bring two handouts.".into())
    );
    assert_eq!(notes_in(&event_saying("only mine"), BLOCK), None);
}

const BLOCK: &str = "Bring handouts.\n\n☎ Ada, +49 30\n↗ https://x.example/1";

#[test]
fn what_is_typed_around_contact_and_link_is_notes_and_they_are_not() {
    for (inside, notes) in [
        (format!("{BLOCK}\nCall first"), "Bring handouts.\n\nCall first"),
        (format!("{BLOCK} Call first"), "Bring handouts.\n\nCall first"),
        (format!("{BLOCK}\n\nCall first"), "Bring handouts.\n\nCall first"),
        (
            BLOCK.replace("\n↗", "\nCall first\n↗"),
            "Bring handouts.\n\nCall first",
        ),
        (BLOCK.replace("Bring handouts.\n\n", ""), ""),
        // Reported with the notes by an older version, and written again below them.
        (
            format!("{BLOCK}\nCall first\n\n☎ Ada, +49 30\n↗ https://x.example/1"),
            "Bring handouts.\n\nCall first",
        ),
        // Of earlier settings, or of an earlier address.
        (BLOCK.replace("Ada", "Ben"), "Bring handouts."),
        (BLOCK.replace("/1", "/2"), "Bring handouts."),
        // What only looks like ours is the trainer's.
        (
            format!("☎ Ben, 0160\n{BLOCK}\n↗ https://y.example\n☎ Cem"),
            "☎ Ben, 0160\nBring handouts.\n\n↗ https://y.example\n☎ Cem",
        ),
    ] {
        let event = event_saying(&compose(None, &inside));
        assert_eq!(notes_in(&event, BLOCK).as_deref(), Some(notes), "{inside}");
    }
}

#[test]
fn a_line_of_the_notes_that_looks_like_ours_stays_with_them() {
    let block = "Bring handouts.\n☎ Ben, 0160\n\n↗ https://x.example/1";
    let event = event_saying(&compose(None, &block.replace("Bring", "Take")));
    let notes = notes_in(&event, block);
    assert_eq!(notes.as_deref(), Some("Take handouts.\n☎ Ben, 0160"));
}

#[test]
fn notes_with_angle_brackets_read_back_as_they_were_written() {
    let r = rendered(
        |a| a.notes = Some("<p>Fish &amp; chips.<br>Please &lt;quietly&gt; &amp;amp; soon.</p>".into()),
        &TextSettings::default(),
    );
    assert!(r.block.starts_with("Fish & chips.\nPlease <quietly> &amp; soon."));
    let event = event_saying(&compose(None, &r.block));
    assert_eq!(observed(&event).notes, r.written().notes);
}

#[test]
fn what_only_looks_like_a_tag_is_text() {
    for text in [
        "Ask Ada <ada@example.org> or <mailto:ben@example.org>",
        "Join: <https://zoom.us/j/1?pwd=a&b=c>\n<https://teams.example/l/2>",
        "Room <TBC>, <b2> and </ada>",
        "if a <b and c> d, <a/b> <p.k@example.org> </p.k@example.org> <!>",
        "<a new idea> <table for two> <time> <address>",
        "a <b\n\nc <p",
    ] {
        assert_eq!(normalise(text), text);
        let r = rendered(|a| a.notes = Some(text.to_owned()), &TextSettings::default());
        assert!(r.notes_whole && r.block.starts_with(text), "{}", r.block);
    }
    let mixed =
        "<p>Ada <ada@example.org><br/>now</P ><DIV class='x' hidden>a<br />b</div><!-- x --><o:p></o:p>";
    assert_eq!(normalise(mixed), "Ada <ada@example.org>\nnow\na\nb");
    let named = rendered(
        |a| {
            let place = a.place.as_mut().unwrap();
            place.name = Some("Linden <TBC>".into());
            place.address = Some("Weg 1 <Hof>".into());
        },
        &TextSettings::default(),
    );
    assert_eq!(
        (named.title.as_str(), named.location.as_str()),
        ("Linden <TBC>", "Weg 1 <Hof>")
    );
}

#[test]
fn an_edit_of_notes_that_hold_a_word_in_angle_brackets_keeps_it() {
    let notes = "Ask Ada <ada@example.org>.\n<https://zoom.us/j/1>";
    let r = rendered(|a| a.notes = Some(notes.into()), &TextSettings::default());
    for description in [compose(None, &r.block), by_an_editor(&compose(None, &r.block))] {
        assert!(!description.contains("<ada"), "{description}");
        let event = event_saying(&description.replace("Ask", "Call"));
        let edited = notes_in(&event, &r.block);
        assert_eq!(edited.as_deref(), Some(notes.replace("Ask", "Call").as_str()));
    }
}

/// As a page stores what a person saw and saved: what was no HTML is made HTML.
fn by_an_editor(stored: &str) -> String {
    let stored = if may_be_read_as_html(stored) {
        stored.to_owned()
    } else {
        escape(stored)
    };
    stored.replace('\n', "<br>")
}

#[test]
fn html_that_text_cannot_say_is_not_replaced_by_text() {
    for (notes, whole) in [
        (
            "<p>Fish <b>&amp;</b> chips</p><ul><li style=\"x\">A<br></ul>",
            true,
        ),
        (
            "<a href=\"https://x.example/?a=1&amp;b=2\">https://x.example/?a=1&amp;b=2</a>",
            true,
        ),
        ("<a href='mailto:ada@example.org'>ada@example.org</a>", true),
        ("<a href=\"https://x.example\">the plan</a>", false),
        ("See <img src=\"plan.png\"> there", false),
        ("See<!-- the plan -->", false),
        ("m<sup>2</sup>", false),
        ("<span title=\"plan\">x</span>", false),
        ("Take <b> or <i>", false),
    ] {
        let r = rendered(|a| a.notes = Some(notes.into()), &TextSettings::default());
        assert_eq!(r.notes_whole, whole, "{notes}");
    }
}

proptest! {
    #[test] // As we wrote it, and as an editor stores it then.
    fn whatever_looks_like_html_reads_back_as_it_was_written(
        notes in "([<>&;/@:!a-d \n]|&lt;|&amp;|<b>|</b>|<br>|<a@b>|<a:b/c>|[ab]{1,2}){0,24}",
        own in "(|<i>x</i>|plain)",
    ) {
        let mut a = appointment();
        a.notes = Some(notes.clone());
        let r = render(&a, &TextSettings::default(), Language::En, true);
        let written = compose(Some(&own), &r.block);
        for stored in [by_an_editor(&written), written] {
            let event = event_saying(&stored);
            prop_assert_eq!(observed(&event).notes, r.written().notes);
            prop_assert_eq!(notes_in(&event, &r.block), Some(normalise(&notes)));
        }
    }

    #[test]
    fn text_without_tags_and_entities_loses_nothing(text in "[<>@:a-d .\n-]{0,30}") {
        let known = tags::first(&text).is_some();
        prop_assert!(known || normalise(&text).replace([' ', '\n'], "") == text.replace([' ', '\n'], ""));
    }

    #[test] // The quick look never says "normal" where the long way would change something.
    fn what_looks_normal_is_normal(text in "[a ·↗é\u{301}\u{200b}\u{a0}\t\r\n<>&;┈]{0,12}") {
        let bare = text.trim_matches('\n');
        prop_assert_eq!(rebuilt(bare), rebuilt(&text));
        if is_normal(bare) {
            prop_assert_eq!(rebuilt(bare), bare);
        }
    }

    #[test] // P10: whatever stands outside the block stays, byte for byte.
    fn own_text_survives_any_number_of_updates(own in "[^┈]{0,60}", blocks in prop::collection::vec("[a-z\\n<>& ]{1,40}", 1..5)) {
        let mut description = own.clone();
        for block in &blocks {
            description = compose(Some(&description), block);
        }
        let own = if own.trim().is_empty() { String::new() } else { own };
        prop_assert!(split(&description).before.starts_with(&own));
        prop_assert_eq!(compose(Some(&description), blocks.last().map_or("", String::as_str)), description);
    }

    #[test] // With something before it, the description is searched; without, it is mostly known by its ends.
    fn a_description_that_is_only_our_block_is_taken_apart_as_any_other(inside in "[┈ \na]{0,24}|\n┈┈ Roundtrip ┈┈\n") {
        let only = format!("{MARK_LINE}{inside}{MARK_END}");
        let more = format!("a{only}");
        let (short, long) = (split(&only), split(&more));
        prop_assert_eq!((short.block, short.after), (long.block, long.after));
        prop_assert_eq!(format!("a{}", short.before), long.before);
    }

    #[test] // Also notes that hold our own marker lines: somebody pasted an event's text into them.
    fn written_read_and_written_again_nothing_changes_whatever_the_notes_hold(
        notes in "(┈{1,9}|┈┈ Roundtrip ┈┈┈┈┈┈┈┈|┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈|\n|↗ https://x.example/2|<br>|&lt;|[a-c .]){0,14}",
        (before, after) in ("(|Mine\\.|<i>Mine</i>)", "(|\nYours)"),
    ) {
        let mut a = appointment();
        a.notes = Some(notes.clone());
        let r = render(&a, &TextSettings::default(), Language::En, true);
        let first = format!("{}{after}", compose(Some(&before), &r.block));
        for stored in [by_an_editor(&first), first] {
            let event = event_saying(&stored);
            prop_assert_eq!(observed(&event).notes, r.written().notes);
            let again = compose(Some(&stored), &r.block);
            prop_assert_eq!(compose(Some(&again), &r.block), again.clone());
            // Other notes and back again.
            let other = compose(Some(&again), "┈ Other\n\n↗ https://x.example/1");
            prop_assert_eq!(&compose(Some(&other), &r.block), &again);
            for description in [&stored, &again, &other] {
                prop_assert_eq!(own_text(description), own_text(&format!("{before}\n\n{after}")));
            }
            if r.notes_whole {
                prop_assert_eq!(notes_in(&event, &r.block), Some(normalise(&notes)));
            }
        }
    }

    #[test]
    fn normalising_twice_is_normalising_once_for_plain_text(text in "[^<&]{0,80}") {
        let once = normalise(&text);
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn what_is_written_reads_back_the_same(notes in "[\\PC]{0,60}", own in "(|<i>x</i>|plain)") {
        let mut a = appointment();
        a.notes = Some(notes);
        let r = render(&a, &TextSettings::default(), Language::En, true);
        let event = event_saying(&compose(Some(&own), &r.block));
        prop_assert_eq!(observed(&event).notes, r.written().notes);
    }
}

/// Found by `event_text` of `tests/inputs`, change 26.
#[test]
fn own_words_after_a_damaged_first_line_survive_every_write() {
    for damaged in ["┈┈ Roundtrip ┈┈┈┈", "┈┈ Roundtrip ┈┈", MARK_LINE] {
        let once = compose(Some(&format!("vorher\n{damaged}\nmeine Notiz")), "x");
        assert!(once.contains("vorher") && once.contains("meine Notiz"), "{once}");
        let twice = compose(Some(&once), "y");
        assert!(
            twice.contains("vorher") && twice.contains("meine Notiz"),
            "{twice}"
        );
        assert_eq!(compose(Some(&twice), "y"), twice);
    }
    // A block without an end, as a hand may leave it, before a whole one.
    let two = format!("{MARK_LINE}\nalt\nmeine Notiz\n{MARK_LINE}\nx\n{MARK_END}\nnachher");
    let written = compose(Some(&two), "y");
    assert!(
        written.contains("meine Notiz") && written.ends_with("nachher"),
        "{written}"
    );
}

/// Found by reading: a description of nothing but opened tags took time that grows with its square.
#[test]
fn a_description_of_nothing_but_opened_tags_is_read_at_once() {
    for text in [
        "<a".repeat(500_000),
        format!("{}>", "<a".repeat(500_000)),
        format!("{}{}", "<a>".repeat(200_000), "x<".repeat(500_000)),
    ] {
        assert!(normalise(&text).len() <= text.len());
    }
}

#[test]
fn most_texts_are_normal_at_a_look() {
    for text in [
        "",
        "Bring the handouts.",
        "Line one\nline two\n\nline four",
        "Übung · Saal 3 – Öffnen",
    ] {
        assert!(is_normal(text), "{text:?}");
    }
    for text in [
        " a",
        "a ",
        "a\n",
        "a  b",
        "a\n\n\nb",
        "a\u{a0}b",
        "a\u{200b}b",
        "a\u{85}b",
        "<b>",
        "e\u{301}",
    ] {
        assert!(!is_normal(text), "{text:?}");
    }
}

#[test]
fn entities_and_odd_blanks_are_read_as_what_they_mean() {
    assert_eq!(normalise("Meyer&#39;s"), "Meyer's");
    assert_eq!(normalise("this & that; more"), "this & that; more");
    assert_eq!(normalise("a\u{a0}b\u{7}c\td"), "a b c d");
}
