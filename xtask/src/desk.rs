//! A virtual desktop for the real app: a display, a session bus, an unlocked keychain and a notification service.
//!
//! It has a home of its own, so nothing of the person who runs it is touched, and it ends with its value. Linux only:
//! elsewhere [`Desk::open`] says what is needed instead.

pub mod notifications;
pub mod screen;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::Desk;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::Desk;

/// Size of the virtual display: the app on the left, the browser on the right of it.
pub const SIZE: (u16, u16) = (2760, 1000);
