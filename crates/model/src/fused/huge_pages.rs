//! Read-only memory in huge pages of 2 MiB, where the system supports them.
//!
//! The kernel reads images in shuffled order. With pages of 4 KiB every second access misses the cache
//! of page addresses (TLB), which costs a sixth of the time of an epoch.

use std::io;
use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use memmap2::MmapMut;

/// Size of a huge page in bytes.
const PAGE: usize = 2 << 20;

/// An immutable array in huge pages.
pub(super) struct HugePages<T> {
    map: MmapMut,
    /// Position of the values in `map`, in bytes.
    used: Range<usize>,
    values: PhantomData<T>,
}

impl<T: Pod> HugePages<T> {
    /// Copies the concatenated parts.
    pub(super) fn concat(parts: &[&[T]]) -> io::Result<Self> {
        let length = parts.iter().map(|part| size_of_val(*part)).sum::<usize>();
        // Aligns the values, because the system uses huge pages for whole, aligned pages only.
        let mut map = MmapMut::map_anon(length.next_multiple_of(PAGE) + PAGE)?;
        let start = map.as_ptr().align_offset(PAGE);
        #[cfg(target_os = "linux")]
        // Without huge pages the kernel is only slower.
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
