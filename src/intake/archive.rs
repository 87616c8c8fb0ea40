//! Gzip streams: unpacked as they are read, refused when they turn out to be bombs, and kept, as far as that is
//! reasonable, for the quarantine when they are damaged.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

/// What is kept of an archive that is damaged.
const KEPT_ARCHIVE: usize = 1 << 20;
/// A compressed stream that grows beyond this share is a bomb, once it is longer than `BOMB_FROM`.
const BOMB_RATIO: u64 = 250;
const BOMB_FROM: u64 = 256 << 20;

/// Whether reading an archive failed because of what is in it.
pub(super) fn is_damage(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(kind, Kind::InvalidData | Kind::InvalidInput | Kind::UnexpectedEof | Kind::Other)
}

/// A gzip stream that refuses to be a bomb.
#[derive(Debug)]
pub(super) struct Unpacked<R> {
    inner: MultiGzDecoder<Counted<R>>,
    out: u64,
}

/// Counts what is consumed, and keeps the beginning for the quarantine.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    consumed: u64,
    kept: Vec<u8>,
}

impl<R: BufRead> Unpacked<R> {
    /// Unpacks `inner`.
    pub(super) fn new(inner: R) -> Self {
        Unpacked { inner: MultiGzDecoder::new(Counted { inner, consumed: 0, kept: Vec::new() }), out: 0 }
    }

    /// The archive's beginning as it came, and whether that is all of it.
    pub(super) fn archive(self) -> io::Result<(Vec<u8>, bool)> {
        let Counted { inner, consumed, mut kept } = self.inner.into_inner();
        if kept.len() as u64 == consumed {
            inner.take((KEPT_ARCHIVE + 1 - kept.len()) as u64).read_to_end(&mut kept)?;
        }
        let whole = kept.len() as u64 >= consumed && kept.len() <= KEPT_ARCHIVE;
        kept.truncate(KEPT_ARCHIVE);
        Ok((kept, whole))
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.out += read as u64;
        if self.out > BOMB_FROM && self.out / BOMB_RATIO > self.inner.get_ref().consumed {
            return Err(io::Error::other("it unpacks to more than 250 times its size and was not read on"));
        }
        Ok(read)
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let read = chunk.len().min(buffer.len());
        buffer[..read].copy_from_slice(&chunk[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed has been shown by `fill_buf` and is still there.
        let room = (KEPT_ARCHIVE - self.kept.len()).min(amount);
        if room > 0
            && let Ok(chunk) = self.inner.fill_buf()
        {
            self.kept.extend_from_slice(&chunk[..room.min(chunk.len())]);
        }
        self.consumed += amount as u64;
        self.inner.consume(amount);
    }
}
