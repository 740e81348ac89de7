//! Seeded changes of bytes, for tests on a compiler that has no libFuzzer.

/// A small generator (xorshift): the same seed gives the same inputs on every machine.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// What parsers trip over.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n\n",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"0.1",
    b"\"\"",
    b"{}",
    b"[]",
    b"<",
    b">",
    b"</p>",
    b"<br>",
    b"&lt;",
    b"&amp;",
    b"&#0;",
    b"%00",
    b"%2e%2e",
    b"../",
    b"//",
    b"@",
    b"#",
    b"?",
    b"&state=",
    b"&code=",
    b"+262142-12-31",
    b"0000-00-00",
    b"T24:00:60Z",
    b"+14:00",
    b"Etc/GMT+12",
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "┈┈ Roundtrip ┈┈".as_bytes(),
    "┈┈┈┈┈┈┈┈".as_bytes(),
    "e\u{301}".as_bytes(),
    b"data: ",
    b"event: ",
    b"retry: 0",
    b"HTTP/1.1",
    b"GET /callback",
];
/// Longest input that is made. Bytes.
const LONGEST: usize = 32 * 1024;

/// An input made from one of the corpus by one to four changes; `other` is what is spliced in.
pub fn mutate(input: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let length = chance.below(bytes.len().saturating_sub(at).min(64) + 1);
        match chance.below(7) {
            0 if !bytes.is_empty() => {
                let at = chance.below(bytes.len());
                bytes[at] ^= 1 << chance.below(8);
            }
            1 => drop(bytes.drain(at..at + length)),
            2 => {
                let again = bytes[at..at + length].repeat(1 + chance.below(8));
                bytes.splice(at..at, again);
            }
            3 => drop(bytes.splice(
                at..at + length,
                TOKENS[chance.below(TOKENS.len())].iter().copied(),
            )),
            4 => drop(bytes.splice(at..at, TOKENS[chance.below(TOKENS.len())].iter().copied())),
            5 => {
                let from = chance.below(other.len() + 1);
                let until = (from + chance.below(200)).min(other.len());
                drop(bytes.splice(at..at + length, other[from..until].iter().copied()));
            }
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}
