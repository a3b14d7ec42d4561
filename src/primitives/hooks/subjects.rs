//! What hooks are asked about, as the objects that they see.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::core::archive::SourceRecord;
use crate::core::debian::{control, relation};

/// `source`: a source package, for `choose_flags` and `choose_how`.
pub fn source(record: &SourceRecord<'_>) -> Json {
    let source = &record.source;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let section = text(source.section);
    // `contrib/libs` is in the component; the section is what comes after it.
    let section = section.rsplit('/').next().unwrap_or_default();
    let binaries: Vec<String> = source.binaries().map(text).collect();
    let architectures: Vec<String> = control::words(source.architecture).map(text).collect();
    json!({
        "name": source.name,
        "version": source.version,
        "section": section,
        "component": record.component,
        "suite": record.suite.suite,
        "architectures": architectures,
        "binaries": binaries,
        "build_depends": build_depends(record),
    })
}

/// The names of all packages that a source may be built with, those behind alternatives, too.
pub fn build_depends(record: &SourceRecord<'_>) -> Vec<String> {
    let source = &record.source;
    let mut names = BTreeSet::new();
    for field in [source.build_depends, source.build_depends_arch, source.build_depends_indep] {
        relation::for_each(field, |_, relation| names.extend([relation.name]));
    }
    names.into_iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}
