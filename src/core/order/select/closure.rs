//! The sources of packages and of all that gets installed with them.

use rustc_hash::FxHashSet;

use super::{Chosen, Ground, SelectionError};
use crate::core::archive::SourceRecord;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::suggest;

/// The sources of the binary packages `of`, and of what they need to run, by name; first alternatives only.
///
/// # Errors
/// A package that is not there, or packages that cannot be installed together; a part of it has no source.
pub fn select<'a>(
    ground: &Ground<'_, 'a>,
    chosen: &Chosen<'a>,
    of: &[String],
) -> Result<Vec<SourceRecord<'a>>, SelectionError> {
    let architecture = ground.architecture.to_owned();
    let names: FxHashSet<&str> = ground.visible.iter().map(|package| package.name).collect();
    if let Some(name) = of.iter().find(|name| !names.contains(name.as_str())) {
        let nearest = suggest::nearest_few(name, names.iter().copied());
        let nearest = nearest.into_iter().map(str::to_owned).collect();
        return Err(SelectionError::UnknownBinary { name: name.clone(), architecture, nearest });
    }
    let universe = Universe::new(ground.visible, Architectures::native(ground.architecture));
    let field = of.join(", ");
    let nothing = Base::default();
    let request = Request::of_field(field.as_bytes(), Alternatives::First);
    let installed = Installer::new(&universe, &nothing).check(&request).map_err(|refusal| {
        let (of, reason) = (of.to_vec(), refusal.to_string());
        SelectionError::ClosureUnsatisfiable { of, architecture, reason }
    })?;
    let local = super::local_binaries(ground.archive);
    let mut records = Vec::new();
    let mut seen = FxHashSet::default();
    for &number in &installed.packages {
        let package = universe.package(number);
        let source = package.source();
        if local.contains(package.name) || !seen.insert(source) {
            continue;
        }
        let (binary, source_name) = (package.name.to_owned(), source.to_owned());
        let record = chosen.get(source).ok_or(SelectionError::BaseWithoutSource { binary, source_name })?;
        records.push(*record);
    }
    Ok(super::by_name(records))
}
