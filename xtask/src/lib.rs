//! The project's own commands and the means by which they look at the real app from outside.
//!
//! `cargo xtask --help` lists them. The window tests (`tests/window`) use the same parts.
//!
//! Words: a *desk* is a virtual desktop (display, session bus, keychain, notifications) that lives as long as its value;
//! a *lane* is one kind of test with its own counts; a *page* is what a person can do on one page, written once; *rules*
//! are the lines of `ARCHITECTURE.md` that a program can hold.
//!
//! It must not need a system library to build, must not call the app's commands or APIs where it claims to act like a
//! person (demo, window tests), and must end every process it started, whichever way it ends itself.

#![forbid(unsafe_code)]

pub mod app;
pub mod bench;
pub mod bindings;
pub mod browse;
pub mod browser;
pub mod building;
pub mod counts;
pub mod coverage;
pub mod crash;
pub mod demo;
pub mod desk;
pub mod fuzz;
pub mod gallery;
pub mod icons;
pub mod lanes;
pub mod mutants;
pub mod pages;
pub mod planner;
pub mod play;
pub mod process;
pub mod project;
pub mod reproduce;
pub mod rules;
pub mod run;
pub mod sandbox;
pub mod sbom;
pub mod screens;
pub mod setup;
pub mod sim;
pub mod wait;
pub mod webdriver;
