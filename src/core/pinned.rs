//! What an import pinned: suites by the hash of their InRelease, indexes by the hash of their bytes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::core::ids::{ImportId, Sha256};
use crate::core::recipe::overlay::OverlayKind;

/// Whether what a suite holds may feed a chroot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Part of the distribution that this is about (the Origin that carries the Essential packages).
    Distribution,
    /// Named by the recipe, so it feeds chroots as the distribution does.
    Named,
    /// Somebody else's archive that happens to be configured: listed, and never fed to a chroot.
    ThirdParty,
    /// Local packages: whatever else has a package of theirs is hidden, whatever its version.
    Overlay,
}

impl Role {
    /// Whether chroots and builds see this suite.
    pub fn feeds(self) -> bool {
        match self {
            Role::Distribution | Role::Named | Role::Overlay => true,
            Role::ThirdParty => false,
        }
    }
}

/// What an index lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexKind {
    /// Source packages.
    Sources,
    /// Binary packages of one architecture (`all` where the archive keeps those apart).
    Packages(String),
}

/// One index, decompressed in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedIndex {
    /// `main`, `contrib`, `updates/main`; empty for a flat archive.
    pub component: String,
    /// Sources or Packages.
    pub kind: IndexKind,
    /// SHA-256 of the decompressed bytes, which are in the store under it.
    pub sha256: Sha256,
    /// Size of the decompressed bytes.
    pub size: u64,
}

/// One suite as it was when the run pinned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedSuite {
    /// Archive root, without a slash at the end: what `Filename:` and `Directory:` are relative to.
    pub uri: String,
    /// `bookworm`, `bookworm-security`, or `./` for a flat archive: as the entry says it.
    pub suite: String,
    /// The Release file's Codename, empty when it has none.
    pub codename: String,
    /// The Release file's Origin, empty when it has none.
    pub origin: String,
    /// The Release file's Label, empty when it has none.
    pub label: String,
    /// May it feed a chroot.
    pub role: Role,
    /// SHA-256 of the InRelease file (or of Release, where the archive has no InRelease).
    pub release_sha256: Sha256,
    /// The Release file's Date as seconds since 1970, if it has one.
    pub date: Option<i64>,
    /// `NotAutomatic: yes`: what it holds is taken only where nothing else has that name.
    pub not_automatic: bool,
    /// `ButAutomaticUpgrades: yes`.
    pub but_automatic_upgrades: bool,
    /// File and line of the APT entry this came from.
    pub entry: String,
    /// The indexes that were there, sorted by component and kind.
    pub indexes: Vec<PinnedIndex>,
}

impl PinnedSuite {
    /// The file that an index was, for people: it may have been fetched in a compressed form, or by its hash.
    pub fn file_of(&self, index: &PinnedIndex) -> String {
        let PinnedSuite { uri, suite, .. } = self;
        let name = match &index.kind {
            IndexKind::Sources => "source/Sources".to_owned(),
            IndexKind::Packages(architecture) => format!("binary-{architecture}/Packages"),
        };
        match index.component.as_str() {
            // A flat archive has its indexes beside its Release file.
            "" => {
                let folder = suite.trim_matches('/').trim_start_matches("./").trim_matches('.');
                let slash = if folder.is_empty() { "" } else { "/" };
                format!("{uri}/{folder}{slash}{}", name.rsplit('/').next().unwrap_or(&name))
            }
            component => format!("{uri}/dists/{suite}/{component}/{name}"),
        }
    }
}

/// Everything an import pinned; its id is the hash of this value's JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// The Debian architecture whose binaries were imported (besides `all`).
    pub architecture: String,
    /// The other one whose binaries were imported, since cross builds run on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_architecture: Option<String>,
    /// In the order of the entries.
    pub suites: Vec<PinnedSuite>,
    /// The local packages of the suite whose role is `overlay`, in the order of the recipe; their bytes are in the store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlay: Vec<PinnedOverlay>,
    /// What a person should know: an entry that was left out, one without a source index.
    pub notes: Vec<String>,
}

/// A local package as it was when the run pinned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedOverlay {
    /// What it was given as.
    pub kind: OverlayKind,
    /// The file or folder that it came from, for people.
    pub path: PathBuf,
    /// Name of the source package, or of the binary package.
    pub name: String,
    /// Its version, with epoch.
    pub version: String,
    /// The component that it goes to.
    pub component: String,
    /// Hash of the `.dsc` or `.deb`.
    pub sha256: Sha256,
    /// Every other job of a stage comes after it.
    pub first: bool,
    /// What is appended to the version of what it builds.
    pub suffix: Option<String>,
}

impl Imported {
    /// The architectures whose binaries were imported, the one to build for first.
    pub fn architectures(&self) -> impl Iterator<Item = &str> {
        [Some(&self.architecture), self.build_architecture.as_ref()].into_iter().flatten().map(String::as_str)
    }

    /// The id: the hash of what was pinned. Notes are no part of it, since an outage elsewhere changes nothing here.
    pub fn id(&self) -> ImportId {
        let pinned = Imported { notes: Vec::new(), ..self.clone() };
        let json = serde_json::to_vec(&pinned).expect("plain data always becomes JSON");
        ImportId(Sha256::of(&json))
    }

    /// The local packages that are built, by name.
    pub fn overlay_sources(&self) -> impl Iterator<Item = &PinnedOverlay> {
        self.overlay.iter().filter(|local| local.kind.is_source())
    }

    /// The local package that is built as this source package, if there is one.
    pub fn overlay_source(&self, name: &str) -> Option<&PinnedOverlay> {
        self.overlay_sources().find(|local| local.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::suite;

    #[test]
    fn a_malformed_stanza_is_said_to_be_in_a_file_that_one_finds() {
        let check = |name: &str, component: &str, kind: IndexKind| {
            let index = PinnedIndex { component: component.into(), kind, sha256: Sha256([0; 32]), size: 0 };
            suite(name, Role::Named, false).file_of(&index)
        };
        let packages = || IndexKind::Packages("amd64".into());
        let root = "http://deb.example.org/debian";
        assert_eq!(check("trixie", "main", IndexKind::Sources), format!("{root}/dists/trixie/main/source/Sources"));
        let path = "dists/trixie/security/updates/main/binary-amd64/Packages";
        assert_eq!(check("trixie/security", "updates/main", packages()), format!("{root}/{path}"));
        assert_eq!(check("./", "", packages()), format!("{root}/Packages"));
        assert_eq!(check("/", "", IndexKind::Sources), format!("{root}/Sources"));
        assert_eq!(check("./all/", "", packages()), format!("{root}/all/Packages"));
    }
}
