//! Windows as the display server sees them: are they there, have they painted, and closing them as a title bar would.

use anyhow::Result;

/// A top-level window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The display server's number for it.
    pub id: u32,
    /// Its title.
    pub title: String,
    /// Its class, e.g. `Roundtrip`.
    pub class: String,
    /// Width and height.
    pub size: (u16, u16),
}

#[cfg(target_os = "linux")]
pub use linux::Screen;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::Screen;

/// A window has painted when it shows more than this many different pixels.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
const COLOURS_OF_A_PAINTED_WINDOW: usize = 12;

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use anyhow::Context;
    use std::collections::HashSet;
    use x11rb::connection::Connection;
    use x11rb::protocol::xproto::{
        AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConfigureWindowAux, ConnectionExt,
        EventMask, ImageFormat, InputFocus, MapState, StackMode,
    };
    use x11rb::rust_connection::RustConnection;

    /// A connection to the display.
    pub struct Screen {
        connection: RustConnection,
        root: u32,
    }

    impl Screen {
        /// Connects.
        pub fn open(display: &str) -> Result<Screen> {
            let (connection, number) = RustConnection::connect(Some(display)).context("no display")?;
            let root = connection.setup().roots.get(number).context("no screen")?.root;
            Ok(Screen { connection, root })
        }

        /// Gives the empty part of the display a quiet colour, so that pictures of it are pleasant to look at.
        pub fn paint_ground(&self) -> Result<()> {
            let ground = ChangeWindowAttributesAux::new().background_pixel(0x00_d8_d9_d3);
            self.connection
                .change_window_attributes(self.root, &ground)?
                .check()?;
            self.connection
                .clear_area(false, self.root, 0, 0, 0, 0)?
                .check()?;
            Ok(())
        }

        /// The windows that are shown and have a title, lowest first.
        pub fn windows(&self) -> Result<Vec<Window>> {
            let mut found = Vec::new();
            for id in self.connection.query_tree(self.root)?.reply()?.children {
                // A window may go while we look: that is no error, it just isn't there.
                if let Ok(Some(window)) = self.look_at(id) {
                    found.push(window);
                }
            }
            Ok(found)
        }

        /// The first shown window whose title or class contains `part` (capitals don't matter).
        pub fn window(&self, part: &str) -> Result<Option<Window>> {
            let part = part.to_lowercase();
            Ok(self.windows()?.into_iter().find(|window| {
                window.title.to_lowercase().contains(&part) || window.class.to_lowercase().contains(&part)
            }))
        }

        fn look_at(&self, id: u32) -> Result<Option<Window>> {
            let attributes = self.connection.get_window_attributes(id)?.reply()?;
            if attributes.map_state != MapState::VIEWABLE || attributes.override_redirect {
                return Ok(None);
            }
            let size = self.connection.get_geometry(id)?.reply()?;
            // Toolkits make helper windows of one pixel.
            if size.width < 60 || size.height < 60 {
                return Ok(None);
            }
            let title = self.text(id, "_NET_WM_NAME")?;
            let class = self.text(id, "WM_CLASS")?;
            Ok(Some(Window {
                id,
                title,
                class,
                size: (size.width, size.height),
            }))
        }

        fn text(&self, id: u32, property: &str) -> Result<String> {
            let name = self.atom(property)?;
            let reply = self
                .connection
                .get_property(false, id, name, AtomEnum::ANY, 0, 1024)?
                .reply()?;
            Ok(String::from_utf8_lossy(&reply.value)
                .replace('\0', " ")
                .trim()
                .to_owned())
        }

        fn atom(&self, name: &str) -> Result<u32> {
            Ok(self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
        }

        /// Moves a window and gives it a size; there is no window manager here that would.
        pub fn place(&self, window: &Window, x: i32, y: i32, size: (u32, u32)) -> Result<()> {
            let place = ConfigureWindowAux::new()
                .x(x)
                .y(y)
                .width(size.0)
                .height(size.1)
                .stack_mode(StackMode::ABOVE);
            self.connection.configure_window(window.id, &place)?.check()?;
            Ok(())
        }

        /// Gives a window the keyboard.
        pub fn focus(&self, window: &Window) -> Result<()> {
            self.connection
                .set_input_focus(InputFocus::PARENT, window.id, x11rb::CURRENT_TIME)?
                .check()?;
            Ok(())
        }

        /// What a click on the title bar's cross sends.
        pub fn close(&self, window: &Window) -> Result<()> {
            let (protocols, delete) = (self.atom("WM_PROTOCOLS")?, self.atom("WM_DELETE_WINDOW")?);
            let message =
                ClientMessageEvent::new(32, window.id, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
            self.connection
                .send_event(false, window.id, EventMask::NO_EVENT, message)?
                .check()?;
            Ok(())
        }

        /// True once the window shows something in the green of "Synced": data, not only its frame.
        pub fn shows_data(&self, window: &Window) -> Result<bool> {
            let (width, height) = window.size;
            let image = self
                .connection
                .get_image(ImageFormat::Z_PIXMAP, window.id, 0, 0, width, height, u32::MAX)?
                .reply()?;
            Ok(image.data.chunks_exact(4).any(|pixel| {
                pixel[1] > pixel[2].saturating_add(60) && pixel[1] > pixel[0].saturating_add(20)
            }))
        }

        /// True once the window shows more than an empty surface.
        pub fn has_painted(&self, window: &Window) -> Result<bool> {
            let (width, height) = window.size;
            let image = self
                .connection
                .get_image(ImageFormat::Z_PIXMAP, window.id, 0, 0, width, height, u32::MAX)?
                .reply()?;
            let mut colours = HashSet::new();
            for pixel in image.data.chunks_exact(4) {
                colours.insert([pixel[0], pixel[1], pixel[2]]);
                if colours.len() > COLOURS_OF_A_PAINTED_WINDOW {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::*;

    /// Not to be had here.
    #[derive(Debug)]
    pub enum Screen {}

    impl Screen {
        /// The windows that are shown.
        pub fn windows(&self) -> Result<Vec<Window>> {
            match *self {}
        }

        /// The first whose title or class contains `part`.
        pub fn window(&self, _part: &str) -> Result<Option<Window>> {
            match *self {}
        }

        /// Moves a window.
        pub fn place(&self, _window: &Window, _x: i32, _y: i32, _size: (u32, u32)) -> Result<()> {
            match *self {}
        }

        /// Gives a window the keyboard.
        pub fn focus(&self, _window: &Window) -> Result<()> {
            match *self {}
        }

        /// Closes a window.
        pub fn close(&self, _window: &Window) -> Result<()> {
            match *self {}
        }

        /// True once it shows data.
        pub fn shows_data(&self, _window: &Window) -> Result<bool> {
            match *self {}
        }

        /// True once painted.
        pub fn has_painted(&self, _window: &Window) -> Result<bool> {
            match *self {}
        }
    }
}
