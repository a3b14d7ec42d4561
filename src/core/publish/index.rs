//! Index files to the byte: which stanzas they list, in which order, and their compressed forms.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::core::flags::VariantIndex;
use crate::core::ids::Sha256;
use crate::core::publish::contents;
use crate::core::publish::error::PlanError;
use crate::core::publish::pieces::{self, Pieces};
use crate::core::publish::release::{self, Listed};
use crate::core::publish::stanza::{self, Stanza};
use crate::core::publish::{BinaryFile, BinaryKind, IndexFile, Options, SourceSet};

/// A level that is quick, and still smaller than gzip.
const ZST_LEVEL: i32 = 9;

/// Sources stanzas by name, version and component.
pub(super) type Sources<'a> = BTreeMap<(&'a String, &'a String, &'a String), String>;

/// An index in its plain form.
pub(super) struct Plain<'a> {
    /// Its path in the suite's folder.
    path: String,
    /// Its text, a blank line between any two.
    stanzas: Vec<&'a str>,
    /// Whether it has compressed forms, and is there without one.
    forms: Forms,
    /// A text of its own.
    text: String,
}

/// Which forms of an index there are.
enum Forms {
    /// Plain, gzip, xz and zstd where it is wanted: what is made of stanzas.
    All,
    /// gzip and zstd: what is large.
    Packed,
    /// Plain: what is small.
    Plain,
}

/// The stanzas of binary packages, each package, version and architecture once, sorted.
pub(super) fn listed<'a>(
    binaries: &'a [BinaryFile],
    paths: &[String],
    options: &Options,
) -> Result<Vec<Stanza<'a>>, PlanError> {
    let mut all: Vec<Stanza<'a>> =
        binaries.par_iter().zip(paths).map(|(file, path)| stanza::stanza(file, path, options)).collect();
    fn key<'s>(stanza: &'s Stanza<'_>) -> (&'s str, &'s str, &'s str, bool, &'s str) {
        let file = stanza.file;
        (&file.package, &file.version, &file.architecture, file.kind == BinaryKind::Udeb, &stanza.variant)
    }
    // One file may be given twice; which of its places is listed must not depend on the order.
    all.par_sort_by(|one, other| {
        let place = |stanza: &Stanza<'a>| (&stanza.file.component, &stanza.file.source);
        key(one).cmp(&key(other)).then_with(|| place(one).cmp(&place(other)))
    });
    let mut twice = None;
    all.dedup_by(|later, first| {
        let same = key(later) == key(first);
        if same && later.file.sha256 != first.file.sha256 {
            let (package, version) = (first.file.package.clone(), first.file.version.clone());
            twice = Some(PlanError::Twice { package, version, architecture: first.file.architecture.clone() });
        }
        same
    });
    twice.map_or(Ok(all), Err)
}

/// Adds the stanza of a source package.
pub(super) fn add_source<'a>(sources: &mut Sources<'a>, set: &'a SourceSet, directory: &str) {
    let mut text = set.dsc.sources_stanza(directory, &set.file, &set.section, &set.priority);
    if set.extra {
        text.push_str("Extra-Source-Only: yes\n");
    }
    let key = (&set.dsc.source, &set.dsc.version, &set.component);
    // What was built itself is not there for others only.
    if !set.extra || !sources.contains_key(&key) {
        sources.insert(key, text);
    }
}

/// Every index in its plain form, empty ones too; those of the installer and of debug symbols only where there is
/// something for them.
pub(super) fn all<'a>(binaries: &'a [Stanza<'a>], sources: &'a Sources<'a>, options: &Options) -> Vec<Plain<'a>> {
    let mut plain = Vec::new();
    for component in &options.components {
        let of_component = |stanza: &&&'a Stanza<'a>| stanza.file.component == *component;
        let here: Vec<&Stanza<'a>> = binaries.iter().collect();
        let here: Vec<&Stanza<'a>> = here.iter().filter(of_component).copied().collect();
        for kind in [BinaryKind::Deb, BinaryKind::Udeb, BinaryKind::Dbgsym] {
            let some: Vec<&Stanza<'a>> = here.iter().filter(|stanza| stanza.file.kind == kind).copied().collect();
            if !some.is_empty() || kind == BinaryKind::Deb {
                of_kind(&mut plain, component, kind, &some, options);
            }
        }
        let of_component = sources.iter().filter(|((_, _, of), _)| *of == component);
        let stanzas = of_component.map(|(_, text)| text.as_str()).collect();
        plain.push(Plain::stanzas(format!("{component}/source/Sources"), stanzas));
        plain.push(Plain::small(format!("{component}/source/Release"), release::part(options, component, "source")));
    }
    plain
}

/// The area of a component that packages of a kind are in.
pub(super) fn area(component: &str, kind: BinaryKind) -> String {
    match kind {
        BinaryKind::Deb => component.to_owned(),
        BinaryKind::Udeb => format!("{component}/debian-installer"),
        BinaryKind::Dbgsym => format!("{component}/debug"),
    }
}

/// The indexes of one area.
fn of_kind<'a>(
    plain: &mut Vec<Plain<'a>>,
    component: &str,
    kind: BinaryKind,
    stanzas: &[&'a Stanza<'a>],
    options: &Options,
) {
    let area = area(component, kind);
    for list in lists(options) {
        let some = list.of(stanzas);
        let folder = format!("{area}/binary-{}", list.name);
        if options.contents {
            // The installer's are told apart by name, since their area is no component to apt.
            let path = match kind {
                BinaryKind::Udeb => format!("{component}/Contents-udeb-{}", list.name),
                BinaryKind::Deb | BinaryKind::Dbgsym => format!("{area}/Contents-{}", list.name),
            };
            plain.push(Plain::packed(path, contents::text(&some)));
        }
        plain.push(Plain::stanzas(
            format!("{folder}/Packages"),
            some.iter().map(|stanza| stanza.text.as_str()).collect(),
        ));
        plain.push(Plain::small(format!("{folder}/Release"), release::part(options, &area, &list.name)));
    }
    if options.translations && kind != BinaryKind::Udeb {
        let translations: BTreeSet<&str> =
            stanzas.iter().map(|stanza| stanza.translation.as_str()).filter(|text| !text.is_empty()).collect();
        plain.push(Plain::stanzas(format!("{area}/i18n/Translation-en"), translations.into_iter().collect()));
    }
}

/// One `binary-NAME` folder, and which packages its index lists.
struct List {
    name: String,
    base: String,
    variant: Option<VariantIndex>,
}

/// Those of all architectures and variants.
fn lists(options: &Options) -> Vec<List> {
    let plain = |name: &String| List { name: name.clone(), base: name.clone(), variant: None };
    let variants = options.variants.iter().map(|variant| List {
        name: variant.tag.clone(),
        base: variant.base.clone(),
        variant: Some(variant.index),
    });
    options.architectures.iter().map(plain).chain(variants).collect()
}

impl List {
    /// Packages for `all` are listed for each architecture, as Debian does.
    fn of<'a>(&self, stanzas: &[&'a Stanza<'a>]) -> Vec<&'a Stanza<'a>> {
        let own: BTreeSet<&str> = match self.variant {
            Some(VariantIndex::Complete) => stanzas
                .iter()
                .filter(|stanza| stanza.variant == self.name)
                .map(|stanza| stanza.file.package.as_str())
                .collect(),
            Some(VariantIndex::Partial) | None => BTreeSet::new(),
        };
        let is_listed = |stanza: &&&'a Stanza<'a>| {
            let file = stanza.file;
            let of_base = stanza.variant.is_empty() && (file.architecture == self.base || file.architecture == "all");
            match self.variant {
                None => of_base,
                Some(VariantIndex::Partial) => stanza.variant == self.name,
                Some(VariantIndex::Complete) => {
                    stanza.variant == self.name || (of_base && !own.contains(file.package.as_str()))
                }
            }
        };
        stanzas.iter().filter(is_listed).copied().collect()
    }
}

impl<'a> Plain<'a> {
    fn stanzas(path: String, stanzas: Vec<&'a str>) -> Plain<'a> {
        Plain { path, stanzas, forms: Forms::All, text: String::new() }
    }

    fn packed(path: String, text: String) -> Plain<'a> {
        Plain { path, stanzas: Vec::new(), forms: Forms::Packed, text }
    }

    fn small(path: String, text: String) -> Plain<'a> {
        Plain { path, stanzas: Vec::new(), forms: Forms::Plain, text }
    }
}

/// Each index in all of its forms, sorted by path; and what is there in compressed forms only, since apt takes these for
/// missing unless the Release file has the hashes of the plain form, too.
pub(super) fn with_compressed(
    plain: Vec<Plain<'_>>,
    options: &Options,
    pieces: &mut Pieces,
) -> (Vec<IndexFile>, Vec<Listed>) {
    let (mut all, mut listed) = (Vec::new(), Vec::new());
    for Plain { path, stanzas, forms, text } in plain {
        match forms {
            Forms::Plain => all.push((path, text.into_bytes())),
            Forms::Packed => {
                let names = pieces.learn(&halves(&text));
                all.push((format!("{path}.gz"), pieces.join(&names).gz));
                if options.zst {
                    all.push((format!("{path}.zst"), zst(text.as_bytes())));
                }
                listed.push(Listed::of(&path, text.as_bytes(), Sha256::of(text.as_bytes())));
            }
            Forms::All => {
                let ranges = pieces::cut(&stanzas);
                let size = stanzas.iter().map(|stanza| stanza.len() + 1).sum();
                let (mut text, mut ends) = (String::with_capacity(size), Vec::with_capacity(ranges.len()));
                for range in ranges {
                    for (at, stanza) in range.clone().zip(&stanzas[range]) {
                        text.push_str(stanza);
                        // The blank line after a piece's last stanza is the piece's own.
                        text.push_str(if at + 1 < stanzas.len() { "\n" } else { "" });
                    }
                    ends.push(text.len());
                }
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let names = pieces.learn(&starts.zip(&ends).map(|(from, &to)| &text[from..to]).collect::<Vec<_>>());
                let joined = pieces.join(&names);
                let bytes = text.into_bytes();
                if options.zst {
                    all.push((format!("{path}.zst"), zst(&bytes)));
                }
                all.extend([(format!("{path}.gz"), joined.gz), (format!("{path}.xz"), joined.xz), (path, bytes)]);
            }
        }
    }
    let mut all: Vec<IndexFile> = all.into_par_iter().map(|(path, bytes)| IndexFile::new(path, bytes)).collect();
    all.sort_by(|one, other| one.path.cmp(&other.path));
    (all, listed)
}

/// Lines in parts of a size at which they compress well, and on all cores.
fn halves(text: &str) -> Vec<&str> {
    const PART: usize = 4 << 20;
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > PART {
        let Some(end) = memchr::memchr(b'\n', &rest.as_bytes()[PART..]) else { break };
        let (part, after) = rest.split_at(PART + end + 1);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, ZST_LEVEL).expect("compressing to memory never fails")
}
