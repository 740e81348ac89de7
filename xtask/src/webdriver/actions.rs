//! Pointer and keys, as a hand would move them.

use super::{ELEMENT, Element, Session};
use anyhow::Result;
use serde_json::{Value, json};

/// Steps of one drag; pages that follow the pointer want to see it move.
const DRAG_STEPS: i64 = 12;

impl Session {
    /// Presses on an element, moves by so many CSS pixels, lets go.
    pub fn drag_by(&self, from: &Element, right: i64, down: i64) -> Result<()> {
        let mut moves = vec![
            json!({"type": "pointerMove", "duration": 0, "origin": {ELEMENT: from.0}, "x": 0, "y": 0}),
            json!({"type": "pointerDown", "button": 0}),
        ];
        // Each step is relative to the last, so that the whole is exact whatever the rounding.
        let (mut done_right, mut done_down) = (0, 0);
        for step in 1..=DRAG_STEPS {
            let (to_right, to_down) = (right * step / DRAG_STEPS, down * step / DRAG_STEPS);
            moves.push(json!({
                "type": "pointerMove", "duration": 25, "origin": "pointer",
                "x": to_right - done_right, "y": to_down - done_down,
            }));
            (done_right, done_down) = (to_right, to_down);
        }
        moves.push(json!({"type": "pause", "duration": 50}));
        moves.push(json!({"type": "pointerUp", "button": 0}));
        self.pointer(moves)
    }

    /// Clicks at the middle of an element with the real pointer path (move, down, up).
    pub fn pointer_click(&self, on: &Element) -> Result<()> {
        self.pointer(vec![
            json!({"type": "pointerMove", "duration": 50, "origin": {ELEMENT: on.0}, "x": 0, "y": 0}),
            json!({"type": "pointerDown", "button": 0}),
            json!({"type": "pointerUp", "button": 0}),
        ])
    }

    /// Presses keys one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) -> Result<()> {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [
                    json!({"type": "keyDown", "value": key}),
                    json!({"type": "keyUp", "value": key}),
                ]
            })
            .collect();
        self.post(
            "/actions",
            json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}),
        )?;
        self.wire.delete(&self.path("/actions")).map(drop)
    }

    /// Presses a key while others are held (Control, Shift).
    pub fn press_with(&self, held: &[&str], key: &str) -> Result<()> {
        let down = |key: &str| json!({"type": "keyDown", "value": key});
        let up = |key: &str| json!({"type": "keyUp", "value": key});
        let mut actions: Vec<Value> = held.iter().map(|key| down(key)).collect();
        actions.extend([down(key), up(key)]);
        actions.extend(held.iter().rev().map(|key| up(key)));
        self.post(
            "/actions",
            json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}),
        )?;
        self.wire.delete(&self.path("/actions")).map(drop)
    }

    fn pointer(&self, actions: Vec<Value>) -> Result<()> {
        self.post(
            "/actions",
            json!({"actions": [{
                "type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions,
            }]}),
        )?;
        self.wire.delete(&self.path("/actions")).map(drop)
    }
}
