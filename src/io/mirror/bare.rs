//! Archives without any Release file, as `dpkg-scanpackages` makes them: apt reads those when `Trusted: yes` is said.

use super::Mirror;
use super::error::{MirrorError, Place};
use crate::core::debian::apt_source::AptEntry;
use crate::core::ids::Sha256;
use crate::core::import::Compression;

/// No index is larger, compressed or not; it is held in memory here.
const LIMIT: u64 = 512 * 1024 * 1024;

/// The Release file that an archive lacks: the indexes that are there, with the hashes that they have now. `None`:
/// there is no index either. From here on such an archive is like any other, so that what was pinned stays pinned.
pub(super) async fn release(
    mirror: &Mirror,
    entry: &AptEntry,
    arch: &str,
    place: &Place,
) -> Result<Option<Vec<u8>>, MirrorError> {
    let mut paths = Vec::new();
    for component in &entry.components {
        let name = &component.name;
        match (entry.is_flat(), component.binary) {
            (true, true) => paths.extend(["Packages".to_owned(), "Sources".to_owned()]),
            (true, false) => paths.push("Sources".to_owned()),
            (false, true) => {
                paths.extend([format!("{name}/binary-{arch}/Packages"), format!("{name}/source/Sources")]);
            }
            (false, false) => paths.push(format!("{name}/source/Sources")),
        }
    }
    let mut files = String::new();
    for path in paths {
        for compression in Compression::ALL {
            let name = format!("{path}{}", compression.suffix());
            match mirror.read(&place.beside(&name), LIMIT).await {
                Ok(bytes) => {
                    files.push_str(&format!(" {} {} {name}\n", Sha256::of(&bytes), bytes.len()));
                    break;
                }
                Err(MirrorError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok((!files.is_empty()).then(|| format!("SHA256:\n{files}").into_bytes()))
}
