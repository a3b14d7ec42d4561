//! Indexes: from whichever compressed file is cheapest to the decompressed bytes in the store.

use std::fs::File;
use std::io::{self, Read};

use super::Mirror;
use super::error::{MirrorError, Place};
use super::transfer::{Meter, blocking};
use crate::core::import::{Compression, IndexForm, WantedIndex};
use crate::io::store::{Store, Stored};

/// Without a size in the Release file, a decompressed index may be so many times as large as the compressed one.
const MOST_RATIO: u64 = 100;

/// What xz and zstd may use to decompress.
const MEMORY: u64 = 256 * 1024 * 1024;

/// Puts an index into the store, unless it is there. `release` is where the Release file is.
pub(super) async fn fetch(
    mirror: &Mirror,
    release: &Place,
    by_hash: bool,
    wanted: &WantedIndex,
    meter: &Meter<'_>,
) -> Result<Stored, MirrorError> {
    if let Some(plain) = wanted.plain.filter(|plain| mirror.store.contains(&plain.sha256)) {
        return Ok(Stored { sha256: plain.sha256, size: plain.size });
    }
    meter.expect(wanted.forms.first().map_or(0, |form| form.file.size));
    let mut absent = None;
    for form in &wanted.forms {
        match fetch_form(mirror, release, by_hash, wanted, form, meter).await {
            Err(error @ MirrorError::NotFound { .. }) => absent = absent.or(Some(error)),
            end => return end,
        }
    }
    Err(absent.unwrap_or_else(|| MirrorError::NoIndex { place: release.clone(), index: wanted.path.clone() }))
}

/// One of the files that hold an index.
async fn fetch_form(
    mirror: &Mirror,
    release: &Place,
    by_hash: bool,
    wanted: &WantedIndex,
    form: &IndexForm,
    meter: &Meter<'_>,
) -> Result<Stored, MirrorError> {
    let named = release.beside(&form.path);
    let expected = (form.file.sha256, form.file.size);
    let mut place = named.clone();
    let mut got = None;
    if by_hash {
        place = named.beside(&format!("by-hash/SHA256/{}", form.file.sha256));
        match mirror.download(&place, expected, meter).await {
            // Mirrors that copy only what they know by name have no by-hash folder; the hash is checked either way.
            Err(MirrorError::NotFound { .. }) => place = named,
            end => got = Some(end?),
        }
    }
    let writer = match got {
        Some(writer) => writer,
        None => mirror.download(&place, expected, meter).await?,
    };
    if form.compression == Compression::Plain {
        return blocking(move || writer.finish(None)).await.map_err(MirrorError::Store);
    }
    let (store, compression) = (mirror.store.clone(), form.compression);
    let plain = wanted.plain.map(|plain| (plain.sha256, plain.size));
    let limit = plain.map_or(form.file.size.saturating_mul(MOST_RATIO) + MEMORY, |(_, size)| size);
    blocking(move || {
        let compressed = writer.into_scratch(None).map_err(MirrorError::Store)?;
        decompress(&store, compressed, compression, &place, plain, limit)
    })
    .await
}

/// Decompresses into the store, no more than `limit` bytes.
fn decompress(
    store: &Store,
    compressed: File,
    compression: Compression,
    place: &Place,
    expected: Option<(crate::core::ids::Sha256, u64)>,
    limit: u64,
) -> Result<Stored, MirrorError> {
    let bad = |error: io::Error| MirrorError::Decompress {
        place: place.clone(),
        form: compression.suffix(),
        reason: error.to_string(),
    };
    let mut reader: Box<dyn Read> = match compression {
        Compression::Plain => Box::new(compressed),
        Compression::Gz => Box::new(flate2::read::MultiGzDecoder::new(compressed)),
        Compression::Zst => {
            let mut decoder = zstd::Decoder::new(compressed).map_err(bad)?;
            decoder.window_log_max(MEMORY.ilog2()).map_err(bad)?;
            Box::new(decoder)
        }
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(MEMORY, liblzma::stream::CONCATENATED)
                .map_err(|error| bad(error.into()))?;
            Box::new(liblzma::read::XzDecoder::new_stream(compressed, stream))
        }
    };
    let mut writer = store.writer()?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = reader.read(&mut buffer).map_err(bad)?;
        if read == 0 {
            break;
        }
        writer.put(&buffer[..read])?;
        if writer.size() > limit {
            return Err(MirrorError::TooLong { place: place.clone(), expected: limit, got: writer.size() });
        }
    }
    writer.finish(expected).map_err(|error| MirrorError::kept(place, error))
}
