//! Read-only memory in large pages, where the system has them: images are looked up in the order of a shuffle, and with pages
//! of 4 KiB every other look-up would have to ask for its page's address first (measured: a sixth of an epoch).

use std::io;
use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use memmap2::MmapMut;

/// Size of a large page, where there are any.
const PAGE: usize = 2 << 20;

/// Values that nobody changes.
pub(super) struct Huge<T> {
    map: MmapMut,
    /// The bytes of the values.
    used: Range<usize>,
    values: PhantomData<T>,
}

impl<T: Pod> Huge<T> {
    /// A copy of the parts, one after the other.
    pub(super) fn concat(parts: &[&[T]]) -> io::Result<Self> {
        let length = parts.iter().map(|part| size_of_val(*part)).sum::<usize>();
        // Only what fills a large page from its beginning gets one.
        let mut map = MmapMut::map_anon(length.next_multiple_of(PAGE) + PAGE)?;
        let start = map.as_ptr().align_offset(PAGE);
        #[cfg(target_os = "linux")]
        // A wish: where it is not granted, everything is merely slower.
        let _ = map.advise(memmap2::Advice::HugePage);
        let mut end = start;
        for part in parts {
            let bytes: &[u8] = bytemuck::cast_slice(part);
            map[end..end + bytes.len()].copy_from_slice(bytes);
            end += bytes.len();
        }
        Ok(Self { map, used: start..end, values: PhantomData })
    }

    /// The values.
    pub(super) fn values(&self) -> &[T] {
        bytemuck::cast_slice(&self.map[self.used.clone()])
    }
}
