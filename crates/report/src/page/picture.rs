//! Images for the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A PNG of `width` × `height` RGBA pixels; `None` if `pixels` has another size.
pub fn png(width: usize, height: usize, pixels: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder =
        png::Encoder::new(&mut bytes, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().ok()?.write_image_data(pixels).ok()?;
    Some(bytes)
}

/// Base64, for a data URL.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
