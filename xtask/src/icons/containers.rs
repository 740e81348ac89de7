//! The two file formats that hold one picture in several sizes. Both simply carry PNG files.

use anyhow::{Context, Result};

/// A Windows icon.
pub fn ico(entries: &[(u32, Vec<u8>)]) -> Result<Vec<u8>> {
    const HEADER: usize = 6;
    const ENTRY: usize = 16;
    let mut file = Vec::new();
    file.extend([0, 0, 1, 0]);
    file.extend(u16::try_from(entries.len())?.to_le_bytes());
    let mut offset = HEADER + ENTRY * entries.len();
    for (pixels, picture) in entries {
        // A size of 256 is written as 0.
        let side = u8::try_from(pixels % 256).context("too large for an icon")?;
        file.extend([side, side, 0, 0]);
        file.extend(1u16.to_le_bytes());
        file.extend(32u16.to_le_bytes());
        file.extend(u32::try_from(picture.len())?.to_le_bytes());
        file.extend(u32::try_from(offset)?.to_le_bytes());
        offset += picture.len();
    }
    for (_, picture) in entries {
        file.extend(picture);
    }
    Ok(file)
}

/// A macOS icon.
pub fn icns(entries: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    const HEADER: usize = 8;
    let length: usize = HEADER
        + entries
            .iter()
            .map(|(_, picture)| HEADER + picture.len())
            .sum::<usize>();
    let mut file = Vec::with_capacity(length);
    file.extend(b"icns");
    file.extend(u32::try_from(length)?.to_be_bytes());
    for (code, picture) in entries {
        file.extend(code.as_bytes());
        file.extend(u32::try_from(HEADER + picture.len())?.to_be_bytes());
        file.extend(picture);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_an_ico_point_at_the_pictures() -> Result<()> {
        let file = ico(&[(16, vec![1, 2, 3]), (256, vec![4, 5])])?;
        assert_eq!(file[4], 2);
        assert_eq!((file[6], file[22]), (16, 0), "256 is written as 0");
        let second = u32::from_le_bytes([file[34], file[35], file[36], file[37]]) as usize;
        assert_eq!(&file[second..], &[4, 5]);
        Ok(())
    }

    #[test]
    fn an_icns_knows_its_length() -> Result<()> {
        let file = icns(&[("ic07", vec![9; 10])])?;
        assert_eq!(&file[..4], b"icns");
        assert_eq!(file[4..8], u32::try_from(file.len())?.to_be_bytes());
        Ok(())
    }
}
