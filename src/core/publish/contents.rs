//! Contents indexes: which file is in which packages.

use crate::core::debian::control;
use crate::core::publish::stanza::Stanza;

/// Lines of a path and the packages that install it, each with its section, sorted by path.
pub(super) fn text(stanzas: &[&Stanza<'_>]) -> String {
    let mut names: Vec<String> = Vec::with_capacity(stanzas.len());
    let mut lines: Vec<(&str, u32)> = Vec::new();
    for (number, stanza) in (0..).zip(stanzas) {
        let paragraph = control::paragraphs(stanza.file.control.as_bytes()).next();
        let section = paragraph.and_then(|paragraph| paragraph.text("Section")).unwrap_or_default();
        let slash = if section.is_empty() { "" } else { "/" };
        names.push(format!("{section}{slash}{}", stanza.file.package));
        lines.extend(stanza.file.files.lines().map(|path| (path, number)));
    }
    rayon::slice::ParallelSliceMut::par_sort_unstable(lines.as_mut_slice());
    lines.dedup();
    let mut out = String::with_capacity(lines.iter().map(|(path, _)| path.len().max(60) + 32).sum());
    for of_path in lines.chunk_by(|one, other| one.0 == other.0) {
        let path = of_path[0].0;
        out.push_str(path);
        // Readers take the last blank for the end of the path; the column is for people.
        (path.len()..59).for_each(|_| out.push(' '));
        out.push(' ');
        let mut packages: Vec<&str> = of_path.iter().map(|(_, number)| names[*number as usize].as_str()).collect();
        packages.dedup();
        out.push_str(&packages.join(","));
        out.push('\n');
    }
    out
}
