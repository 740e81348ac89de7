//! Every screen and state in the product's own engine, with a stand-in for the app: for whom it can be read and used.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xtask::gallery::{Gallery, View};
use xtask::{project, screens};

/// Each screen once, whatever language, theme or size its picture has.
pub(super) fn views() -> Vec<View<'static>> {
    let mut views: Vec<View<'static>> = Vec::new();
    for (_, view, _) in screens::pictures() {
        let known = views
            .iter()
            .any(|one| (one.scenario, one.place) == (view.scenario, view.place));
        if !known {
            views.push(View::of(view.scenario, view.place));
        }
    }
    views
}

/// Light colours.
pub fn accessible_light(gallery: &Gallery) -> Result<()> {
    accessible(gallery, |view| view)
}

/// Dark colours, and German beside it.
pub fn accessible_dark(gallery: &Gallery) -> Result<()> {
    accessible(gallery, |view| view.dark().german())
}

/// 200 % text.
pub fn accessible_large(gallery: &Gallery) -> Result<()> {
    accessible(gallery, |view| view.text(200))
}

/// axe finds nothing of any level.
fn accessible(gallery: &Gallery, how: fn(View<'static>) -> View<'static>) -> Result<()> {
    let axe = std::fs::read_to_string(project::ui().join("node_modules/axe-core/axe.min.js"))
        .context("axe-core is missing: run `cargo xtask setup`")?;
    gallery.size(1160, 800)?;
    let mut found = Vec::new();
    for view in views().into_iter().map(how) {
        gallery.show(&view)?;
        gallery.session().script(&axe, json!([]))?;
        // The component page shows the same landmark in light and in dark.
        let script = "const done = arguments[0];
            const rules = { 'landmark-unique': { enabled: !location.hash.startsWith('#/ui') } };
            axe.run(document, { resultTypes: ['violations'], rules }).then((r) => done(r.violations.flatMap((v) =>
              v.nodes.map((n) => `${v.id} (${v.impact}): ${n.target.join(' ')} ${(n.failureSummary ?? '').split('\\n').slice(1, 2).join('').trim()}`))),
              (e) => done([`axe: ${e}`]));";
        let violations = gallery.session().script_until_called(script, json!([]))?;
        found.extend(told(&view, &violations));
        found.extend(told(&view, &sideways(gallery)?));
    }
    nothing(&found)
}

/// Fails with all that was found.
pub(super) fn nothing(found: &[String]) -> Result<()> {
    ensure!(
        found.is_empty(),
        "{} findings:\n  {}",
        found.len(),
        found.join("\n  ")
    );
    Ok(())
}

fn told(view: &View<'_>, findings: &Value) -> Vec<String> {
    findings
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|finding| format!("{}: {finding}", view.name()))
        .collect()
}

/// The page is never wider than the window.
fn sideways(gallery: &Gallery) -> Result<Value> {
    gallery.session().script(
        "const d = document.documentElement; return d.scrollWidth > innerWidth + 1 ? [`${d.scrollWidth} wide in ${innerWidth}`] : [];",
        json!([]),
    )
}

/// Texts that are neither drawn in full nor shortened on purpose (with an ellipsis).
const CUT_OFF: &str = r"
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walk.nextNode(); node; node = walk.nextNode()) {
  if (!node.data.trim()) continue;
  const range = document.createRange(); range.selectNodeContents(node);
  const text = range.getBoundingClientRect();
  if (!text.width || !text.height) continue;
  for (let box = node.parentElement; box && box !== document.body; box = box.parentElement) {
    const style = getComputedStyle(box);
    // What only a screen reader hears is cut to one pixel.
    if (box.clientWidth <= 1 || style.visibility === 'hidden' || style.clipPath !== 'none') break;
    if (style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none') break;
    if (style.overflowX === 'auto' || style.overflowX === 'scroll' || style.overflowY === 'auto' || style.overflowY === 'scroll') break;
    const frame = box.getBoundingClientRect();
    const wide = style.overflowX !== 'visible' && (text.left < frame.left - 2 || text.right > frame.right + 2);
    const high = style.overflowY !== 'visible' && (text.top < frame.top - 2 || text.bottom > frame.bottom + 2);
    const spills = ['BUTTON', 'A'].includes(box.tagName) && style.display !== 'inline' && (text.right > frame.right + 2 || text.left < frame.left - 2);
    if (wide || high || spills) { found.push(`cut off: ${node.data.trim().slice(0, 60)} in ${box.tagName.toLowerCase()}.${box.className} ${box.dataset.test ?? ''}`); break; }
  }
}
return found.slice(0, 5);
";

/// Every text two fifths longer than in English: German and worse. Nothing is cut off, on wide and narrow windows.
pub fn longer_words(gallery: &Gallery) -> Result<()> {
    let mut found = Vec::new();
    for (width, height) in [(1160, 800), (440, 800)] {
        gallery.show(&View::of("healthy", "/"))?;
        gallery.size(width, height)?;
        for view in views().into_iter().map(View::pseudo) {
            gallery.show(&view)?;
            let at = |text: &str| format!("{width} wide: {text}");
            let cut = gallery.session().script(CUT_OFF, json!([]))?;
            found.extend(told(&view, &cut).iter().map(|text| at(text)));
            found.extend(told(&view, &sideways(gallery)?).iter().map(|text| at(text)));
        }
    }
    nothing(&found)
}

/// Mirrored: nothing lies outside the page or over something else that can be pressed.
pub fn right_to_left(gallery: &Gallery) -> Result<()> {
    gallery.size(1160, 800)?;
    let mut found = Vec::new();
    let outside = "const found = [];
        const rtl = getComputedStyle(document.querySelector('main')).direction;
        if (rtl !== 'rtl') found.push(`main is ${rtl}`);
        for (const e of document.querySelectorAll('main :is(button, a, input, h1, h2, p)')) {
          const r = e.getBoundingClientRect();
          if (r.width > 1 && r.height > 1 && !e.closest('[data-test=starting], .skip') && (r.left < -1 || r.right > innerWidth + 1) && !e.closest('[style*=overflow], .scroll'))
            found.push(`outside: ${e.tagName} ${e.dataset.test ?? e.className}`);
        }
        return found.slice(0, 5);";
    for view in views().into_iter().map(View::rtl) {
        gallery.show(&view)?;
        let lies = gallery.session().script(outside, json!([]))?;
        found.extend(told(&view, &lies));
        found.extend(told(&view, &sideways(gallery)?));
    }
    nothing(&found)
}
