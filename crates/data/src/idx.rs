//! Decodes IDX, the file format of MNIST, plain or gzipped.
//!
//! The format is `00 00 08 D`, then D dimensions (big-endian u32), then unsigned bytes. The number of
//! bytes is the product of the dimensions. The decoder reads a stream and stops at the declared end.
//! It allocates no more memory than the file fills, so a false header or a gzip bomb is harmless.

use std::io::{BufRead, ErrorKind, Read};
use std::panic::resume_unwind;
use std::sync::mpsc;

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use crate::checksum::hex;
pub use crate::error::IdxError;

/// Largest decoded file in bytes: more than twenty times the largest of MNIST.
const MAX_DECODED: u64 = 1 << 30;
/// Bytes per chunk. One thread hashes a chunk while another reads the next.
const CHUNK: usize = 1 << 20;

/// The content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `[n, rows, columns]`.
    Images,
    /// `[n]`.
    Labels,
}

impl Kind {
    fn magic(self) -> u32 {
        match self {
            Self::Images => 0x0803,
            Self::Labels => 0x0801,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Images => "images, unsigned bytes in 3 dimensions",
            Self::Labels => "labels, unsigned bytes in 1 dimension",
        }
    }
}

/// A decoded file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Idx {
    /// The dimensions of its [`Kind`], each at least 1.
    pub dimensions: Vec<usize>,
    /// The values, row-major.
    pub bytes: Vec<u8>,
    /// SHA-256 of the decompressed file, including the header.
    pub sha256: String,
    header: Vec<u8>,
}

impl Idx {
    /// The decompressed file: its header and its values.
    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        [&self.header, &self.bytes]
    }
}

/// Decodes a file of the expected kind. Recognises gzip by the first byte.
///
/// # Errors
/// If the file is not exactly one complete IDX file of that kind.
pub fn decode(file: impl BufRead, kind: Kind) -> Result<Idx, IdxError> {
    decode_sized(file, kind, 0)
}

/// [`decode`] of a file of `size` bytes. The known size speeds up the reading of a plain file.
pub(crate) fn decode_sized(mut file: impl BufRead, kind: Kind, size: u64) -> Result<Idx, IdxError> {
    match file.fill_buf().map_err(|error| unreadable(&error))? {
        [] => Err(IdxError::Empty),
        // A plain file begins with 0, so one byte identifies gzip.
        [0x1f, ..] => {
            decode_plain(Members { member: Some(GzDecoder::new(file)) }, kind, 0, damaged)
        }
        _ => decode_plain(file, kind, size, unreadable),
    }
}

/// Decompresses the members of a gzip file in sequence. Zeros after a member are padding, which
/// tapes and some upload tools add. `gzip` and Python skip them too.
struct Members<R> {
    /// `None` at the end of the file.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.member = self
                .member
                .take()
                .map(GzDecoder::into_inner)
                .map(next_member)
                .transpose()?
                .flatten();
        }
        Ok(0)
    }
}

/// Skips zero padding and returns the next member, or `None` at the end of the file.
fn next_member<R: BufRead>(mut file: R) -> std::io::Result<Option<GzDecoder<R>>> {
    loop {
        let bytes = file.fill_buf()?;
        match bytes.iter().position(|byte| *byte != 0) {
            _ if bytes.is_empty() => return Ok(None),
            None => {
                let zeros = bytes.len();
                file.consume(zeros);
            }
            Some(zeros) if bytes[zeros] == 0x1f => {
                file.consume(zeros);
                return Ok(Some(GzDecoder::new(file)));
            }
            Some(_) => {
                return Err(std::io::Error::new(
                    ErrorKind::InvalidData,
                    "other bytes follow the end of the gzip data",
                ));
            }
        }
    }
}

/// Decodes the header of a plain file. Returns it without values and checksum, and the length of the
/// whole file in bytes.
pub(crate) fn decode_header(mut file: impl Read, kind: Kind) -> Result<(Idx, u64), IdxError> {
    let (header, dimensions) = read_header(&mut file, kind, unreadable)?;
    let length = header.len() as u64 + product(&dimensions)?;
    let dimensions = dimensions.into_iter().map(|dimension| dimension as usize).collect();
    Ok((Idx { dimensions, bytes: Vec::new(), sha256: String::new(), header }, length))
}

/// Converts an error of the reader.
type ConvertError = fn(&std::io::Error) -> IdxError;

fn unreadable(error: &std::io::Error) -> IdxError {
    IdxError::Unreadable(error.to_string())
}

fn damaged(error: &std::io::Error) -> IdxError {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            IdxError::Gzip(error.to_string())
        }
        _ => unreadable(error),
    }
}

/// Decodes bytes that are not compressed. `size` is the length of the file, or 0 if it is unknown.
fn decode_plain(
    mut file: impl Read,
    kind: Kind,
    size: u64,
    convert: ConvertError,
) -> Result<Idx, IdxError> {
    let (header, dimensions) = read_header(&mut file, kind, convert)?;
    let length = product(&dimensions)?;
    let header_length = header.len() as u64;
    let hasher = Sha256::new_with_prefix(&header);
    let (mut bytes, mut hasher) = if size >= header_length + length {
        read_hashing(&mut file, length, hasher).map_err(|error| convert(&error))?
    } else {
        (Vec::new(), hasher)
    };
    // Requests one byte more than declared, to detect extra bytes. The memory grows with the bytes
    // received, whatever the header declares.
    let read = bytes.len();
    file.by_ref()
        .take(length + 1 - read as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| convert(&error))?;
    hasher.update(&bytes[read..]);
    let found = bytes.len() as u64;
    if found < length {
        return Err(IdxError::Truncated {
            expected: header_length + length,
            found: header_length + found,
        });
    }
    if found > length {
        return Err(IdxError::Trailing(header_length + length));
    }
    let dimensions = dimensions.into_iter().map(|dimension| dimension as usize).collect();
    Ok(Idx { dimensions, bytes, sha256: hex(&hasher.finalize()), header })
}

/// Reads `length` bytes, which the file is known to have, while another thread hashes them.
fn read_hashing(
    file: &mut impl Read,
    length: u64,
    hasher: Sha256,
) -> std::io::Result<(Vec<u8>, Sha256)> {
    let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    let hasher = std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel::<&[u8]>();
        let hashing = scope.spawn(move || {
            receiver.into_iter().fold(hasher, |hasher, read| hasher.chain_update(read))
        });
        for chunk in bytes.chunks_mut(CHUNK) {
            file.read_exact(chunk)?;
            // The send fails only if the other thread panicked. `join` below reports the panic.
            let _ = sender.send(chunk);
        }
        drop(sender);
        Ok::<_, std::io::Error>(hashing.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })?;
    Ok((bytes, hasher))
}

/// Reads the header. Returns its bytes and its dimensions.
fn read_header(
    file: &mut impl Read,
    kind: Kind,
    convert: ConvertError,
) -> Result<(Vec<u8>, Vec<u32>), IdxError> {
    let rank = (kind.magic() & 0xff) as usize;
    let length = 4 + 4 * rank;
    let mut header = read_up_to(file, 4, convert)?;
    match big_endian_words(&header).next() {
        None if header.is_empty() => return Err(IdxError::Empty),
        Some(found) if found != kind.magic() => {
            return Err(IdxError::Magic {
                kind: kind.describe(),
                expected: kind.magic(),
                found,
                guess: guess(found),
            });
        }
        _ => {}
    }
    header.extend(read_up_to(file, length as u64 - 4, convert)?);
    if header.len() < length {
        return Err(IdxError::Truncated { expected: length as u64, found: header.len() as u64 });
    }
    let dimensions = big_endian_words(&header).skip(1).collect();
    Ok((header, dimensions))
}

/// The number of values with these dimensions.
fn product(dimensions: &[u32]) -> Result<u64, IdxError> {
    match dimensions
        .iter()
        .fold(1u64, |product, dimension| product.saturating_mul((*dimension).into()))
    {
        0 => Err(IdxError::ZeroDimension(dimensions.to_vec())),
        found if found > MAX_DECODED => Err(IdxError::TooLarge { found, limit: MAX_DECODED }),
        length => Ok(length),
    }
}

/// Describes what a file with another magic number probably is.
fn guess(magic: u32) -> &'static str {
    match magic.to_be_bytes() {
        [0, 0, 8, 1] => "a file of labels; the files may be swapped",
        [0, 0, 8, 3] => "a file of images; the files may be swapped",
        [0, 0, 8, _] => "unsigned bytes with another number of dimensions",
        [0, 0, 9 | 0xb | 0xc, _] => "IDX of integers that are not unsigned bytes",
        [0, 0, 0xd | 0xe, _] => "IDX of floating-point numbers, not unsigned bytes",
        [0x1f, 0x8b, ..] => "gzip within gzip; decompress the file once",
        [b'<', ..] => "probably a web page",
        [b'P', b'K', ..] => "probably a zip archive",
        _ => "not an IDX file",
    }
}

fn read_up_to(
    file: &mut impl Read,
    limit: u64,
    convert: ConvertError,
) -> Result<Vec<u8>, IdxError> {
    let mut bytes = Vec::new();
    file.by_ref().take(limit).read_to_end(&mut bytes).map_err(|error| convert(&error))?;
    Ok(bytes)
}

fn big_endian_words(header: &[u8]) -> impl Iterator<Item = u32> {
    header.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::checksum::sha256;
    use crate::test_support::{gzip, idx};
    use proptest::prelude::*;

    fn images(n: u32, rows: u32, columns: u32) -> Vec<u8> {
        let pixels: Vec<u8> = (0..n * rows * columns).map(|i| i as u8).collect();
        idx(&[n, rows, columns], &pixels)
    }

    fn message(bytes: &[u8], kind: Kind) -> String {
        decode(bytes, kind).unwrap_err().to_string()
    }

    #[test]
    fn gzipped_file_decodes_like_plain_file() {
        let plain = images(3, 2, 2);
        let (a, b) = (
            decode(&plain[..], Kind::Images).unwrap(),
            decode(&gzip(&plain)[..], Kind::Images).unwrap(),
        );
        assert_eq!((a.dimensions, &a.bytes, &a.sha256), (vec![3, 2, 2], &b.bytes, &b.sha256));
        assert_eq!(a.sha256, sha256(&[&plain]));
    }

    #[test]
    fn each_defect_has_its_own_message() {
        let good = images(3, 2, 2);
        assert_eq!(message(&[], Kind::Images), "the file is empty");
        assert_eq!(message(&gzip(&[]), Kind::Images), "the file is empty");
        let swapped = message(&good, Kind::Labels);
        assert!(
            swapped.contains("expected 0x00000801") && swapped.contains("a file of images"),
            "{swapped}"
        );
        assert!(message(&[0, 0, 0xd, 3, 0, 0, 0, 1], Kind::Images).contains("floating-point"));
        assert!(message(&gzip(&gzip(&good)), Kind::Images).contains("gzip within gzip"));
        assert!(message(&[0, 0], Kind::Images).contains("expected 16 bytes, found 2"));
        assert!(message(b"<html>404</html>", Kind::Images).contains("web page"));
        assert!(message(&good[..20], Kind::Images).contains("expected 28 bytes, found 20"));
        assert!(message(&[&good[..], &[0]].concat(), Kind::Images).contains("after the end"));
        assert!(message(&images(0, 2, 2), Kind::Images).contains("dimensions [0, 2, 2]"));
        let mut large = good.clone();
        large[4..16].fill(0xff);
        assert!(message(&large, Kind::Images).contains("too large"));
        let compressed = gzip(&good);
        assert!(
            message(&compressed[..compressed.len() - 9], Kind::Images)
                .contains("gzip data is damaged")
        );
    }

    #[test]
    fn gzip_bomb_is_rejected_at_the_declared_end() {
        let bomb = gzip(&[images(1, 2, 2), vec![0; 50_000_000]].concat());
        assert!(bomb.len() < 100_000);
        assert!(message(&bomb, Kind::Images).contains("after the end"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes[..], Kind::Images);
            let _ = decode(&[&[0, 0, 8, 3][..], &bytes].concat()[..], Kind::Images);
            let _ = decode(&[&[0x1f, 0x8b, 8, 0][..], &bytes].concat()[..], Kind::Labels);
        }

        #[test]
        fn every_truncated_file_is_an_error(n in 1u32..5, rows in 1u32..5, columns in 1u32..5, cut in 0.0f64..1.0) {
            let file = images(n, rows, columns);
            let end = (file.len() as f64 * cut) as usize;
            prop_assert!(decode(&file[..end], Kind::Images).is_err());
            prop_assert!(decode(&file[..], Kind::Images).is_ok());
        }
    }
}
