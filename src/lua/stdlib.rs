//! What `cb` is made of beyond Rust: the modules of `stdlib/`, those in the binary or those of a folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::lua::error::RecipeError;
use crate::lua::files;

/// A module of `stdlib/` for each composed declaration, and what those share.
const BUILT_IN: &[(&str, &str)] = &[
    ("campaign", include_str!("../../stdlib/campaign.lua")),
    ("stage", include_str!("../../stdlib/stage.lua")),
    ("toolchain", include_str!("../../stdlib/toolchain.lua")),
    ("version", include_str!("../../stdlib/version.lua")),
];

/// More files than any library of ours has.
const MOST_FILES: usize = 200;

/// The modules by name.
pub type Modules = Arc<BTreeMap<String, Arc<str>>>;

/// Those in the binary.
pub fn built_in() -> Modules {
    Arc::new(BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), Arc::from(*text))).collect())
}

/// Those of a folder, for who develops them; it has to be of the binary's own version.
pub fn of_folder(folder: &Path) -> Result<Modules, RecipeError> {
    let shown = folder.display().to_string();
    let wrong = |message: String| {
        RecipeError::of_file(&shown, message, Some("name the `stdlib` folder of cloudbuild's sources, or leave it out"))
    };
    let listed = std::fs::read_dir(folder).map_err(|error| wrong(format!("cannot read the library: {error}")))?;
    let mut modules = BTreeMap::new();
    for entry in listed {
        let path = entry.map_err(|error| wrong(format!("cannot read the library: {error}")))?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "lua") && path.is_file() {
            let text = files::read(&path, &path.display().to_string())?;
            modules.insert(name, Arc::from(text));
        }
        if modules.len() > MOST_FILES {
            return Err(wrong(format!("expected at most {MOST_FILES} modules, got more")));
        }
    }
    let expected = env!("CARGO_PKG_VERSION");
    match modules.get("version").map(|text| version(text)) {
        Some(found) if found == expected => {}
        Some(found) => {
            return Err(wrong(format!("expected the library of cloudbuild {expected}, got that of `{found}`")));
        }
        None => return Err(wrong(format!("expected the library of cloudbuild {expected}, got no `version.lua`"))),
    }
    if let Some((missing, _)) = BUILT_IN.iter().find(|(name, _)| !modules.contains_key(*name)) {
        return Err(wrong(format!("expected the module `{missing}.lua` in the library, got none")));
    }
    Ok(Arc::new(modules))
}

/// What `return "0.1.0"` says.
fn version(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let quoted = line.strip_prefix("return \"").and_then(|rest| rest.strip_suffix('"'));
    quoted.unwrap_or(line).chars().take(40).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_has_the_version_of_the_binary() {
        let modules = built_in();
        assert_eq!(version(&modules["version"]), env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn the_libraries_of_our_sources_is_taken_and_another_one_is_refused() {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("stdlib");
        assert!(of_folder(&ours).is_ok());
        let other = tempfile::tempdir().expect("a folder");
        let told = || of_folder(other.path()).expect_err("it is none of ours").to_string();
        assert!(told().contains("got no `version.lua`\nhint: "), "{}", told());
        std::fs::write(other.path().join("version.lua"), "return \"0.0.9\"\n").expect("written");
        assert!(told().contains("got that of `0.0.9`"), "{}", told());
        let same = format!("return \"{}\"\n", env!("CARGO_PKG_VERSION"));
        std::fs::write(other.path().join("version.lua"), same).expect("written");
        assert!(told().contains("expected the module `campaign.lua` in the library, got none"), "{}", told());
        assert!(of_folder(Path::new("/nowhere/at/all")).expect_err("it is not there").message.contains("cannot read"));
    }
}
