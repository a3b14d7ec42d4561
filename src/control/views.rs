//! Which file of a view a path means: views are composed elsewhere, and only read here.

use std::path::{Component, Path, PathBuf};

use anyhow::Context;

use crate::core::ids::ViewId;
use crate::core::overlay::confirm::Superseding;
use crate::core::view::{self, Shown};

/// The folder of a view in a state directory.
pub fn root(state_dir: &Path, view: ViewId) -> PathBuf {
    state_dir.join("views").join(view.to_string())
}

/// The regular file under `dists/` of a view that a request's path names. `None` for everything else: what is not there,
/// what is no plain path, and what a link leads out of the view.
pub fn dists_file(state_dir: &Path, view: ViewId, path: &str) -> Option<PathBuf> {
    let plain = !path.is_empty() && !path.contains(['\0', '\\']) && !path.contains("//") && !path.ends_with('/');
    let normal = Path::new(path).components().all(|component| matches!(component, Component::Normal(_)));
    // `components` passes over a single dot, which a request has no reason to hold.
    if !plain || !normal || path.split('/').any(|part| part == ".") {
        return None;
    }
    let dists = root(state_dir, view).join("dists").canonicalize().ok()?;
    let file = dists.join(path).canonicalize().ok()?;
    (file.starts_with(&dists) && file.is_file()).then_some(file)
}

/// The packages of the overlay that a view shows for an architecture, and the view's index for that; `None` where it has
/// no overlay. A cross build runs on one architecture with the tools of that, whatever an overlay has for another one.
pub fn overlay(
    state_dir: &Path,
    view: ViewId,
    architecture: &str,
) -> anyhow::Result<Option<(Vec<Superseding>, Vec<u8>)>> {
    let root = root(state_dir, view);
    let list = root.join(view::OVERLAY);
    if !list.is_file() {
        return Ok(None);
    }
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("read `{}`", path.display()));
    let listed: Vec<Shown> =
        serde_json::from_slice(&read(&list)?).with_context(|| format!("read `{}`", list.display()))?;
    let for_it = listed.into_iter().filter(|(of, _)| of == architecture || of == "all");
    let listed = for_it.map(|(_, package)| package).collect();
    let index = root.join("dists").join(view::SUITE).join(view::packages_path(architecture));
    Ok(Some((listed, read(&index)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::Sha256;

    #[test]
    fn only_regular_files_under_dists_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let view = ViewId(Sha256::of(b"view"));
        let dists = root(dir.path(), view).join("dists");
        std::fs::create_dir_all(dists.join("view/main")).unwrap();
        std::fs::write(dists.join("view/InRelease"), "x").unwrap();
        std::fs::write(dir.path().join("control.json"), "secret").unwrap();
        std::os::unix::fs::symlink(dir.path().join("control.json"), dists.join("view/out")).unwrap();
        assert!(dists_file(dir.path(), view, "view/InRelease").is_some());
        for path in [
            "",
            "view",
            "view/",
            "view/main",
            "view/out",
            "/view/InRelease",
            "view//InRelease",
            "./view/InRelease",
            "view/./InRelease",
            "view/../view/InRelease",
            "../../../control.json",
            "view/InRelease\0",
            "view\\InRelease",
            "view/absent",
        ] {
            assert_eq!(dists_file(dir.path(), view, path), None, "{path:?}");
        }
        assert_eq!(dists_file(dir.path(), ViewId(Sha256::of(b"other")), "view/InRelease"), None);
    }
    #[test]
    fn an_overlay_for_one_architecture_says_nothing_of_another_ones_tools() {
        let dir = tempfile::tempdir().unwrap();
        let view = ViewId(Sha256::of(b"view"));
        let root = root(dir.path(), view);
        let package = |name: &str| Superseding {
            package: name.to_owned(),
            version: "99".to_owned(),
            sha256: Sha256::of(name.as_bytes()),
        };
        let shown: Vec<Shown> = vec![("armhf".to_owned(), package("gcc")), ("all".to_owned(), package("doc"))];
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join(view::OVERLAY), serde_json::to_vec(&shown).unwrap()).unwrap();
        for (architecture, expected) in [("amd64", vec!["doc"]), ("armhf", vec!["gcc", "doc"])] {
            let index = root.join("dists").join(view::SUITE).join(view::packages_path(architecture));
            std::fs::create_dir_all(index.parent().unwrap()).unwrap();
            std::fs::write(&index, architecture).unwrap();
            let (found, index) = overlay(dir.path(), view, architecture).unwrap().unwrap();
            let names: Vec<&str> = found.iter().map(|package| package.package.as_str()).collect();
            assert_eq!((names, index), (expected, architecture.as_bytes().to_vec()));
        }
    }
}
