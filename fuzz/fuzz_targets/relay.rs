//! `relay` of [`roundtrip_inputs::TARGETS`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| roundtrip_inputs::run("relay", input));
