//! Nothing gets into a path or an index line that could mean something else there.

use crate::core::debian::control;
use crate::core::publish::error::PlanError;
use crate::core::publish::stanza;
use crate::core::publish::{BinaryFile, Contents, Options};

/// Checks what the archive says about itself.
pub(super) fn options(options: &Options) -> Result<(), PlanError> {
    folder("suite", &options.suite)?;
    folder("codename", &options.codename)?;
    for (what, text) in [("origin", &options.origin), ("label", &options.label)] {
        if text.chars().any(char::is_control) {
            return Err(wrong(what, "one line of text", text));
        }
    }
    for component in &options.components {
        folder("component", component)?;
    }
    for architecture in &options.architectures {
        let fine = architecture.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !fine || matches!(architecture.as_str(), "" | "all" | "source") {
            return Err(wrong("architecture", "a Debian architecture such as `amd64`", architecture));
        }
    }
    variants(options)?;
    for (what, list) in [("components", &options.components), ("architectures", &options.architectures)] {
        if list.is_empty() {
            return Err(wrong(what, "at least one", ""));
        }
        if let Some(twice) = list.iter().enumerate().find(|(index, item)| list[..*index].contains(item)) {
            return Err(wrong(what, "each once", twice.1));
        }
    }
    Ok(())
}

/// A variant is one of an architecture that the archive has, and is not called like any.
fn variants(options: &Options) -> Result<(), PlanError> {
    for (at, variant) in options.variants.iter().enumerate() {
        let tag = &variant.tag;
        let fine = tag.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !fine || matches!(tag.as_str(), "" | "all" | "any" | "source") || options.architectures.contains(tag) {
            return Err(wrong("variant", "a word of small letters and digits such as `amd64v3`", tag));
        }
        if !options.architectures.contains(&variant.base) {
            return Err(wrong("variant", "a variant of an architecture that the archive has", &variant.base));
        }
        if options.variants[..at].iter().any(|other| other.tag == *tag) {
            return Err(wrong("variant", "each once", tag));
        }
    }
    Ok(())
}

/// A package's variant is one that the archive has, of the package's architecture.
fn variant(file: &BinaryFile, options: &Options) -> Result<(), PlanError> {
    let name = stanza::variant(&file.control);
    if name.is_empty() || options.variants.iter().any(|known| known.tag == name && known.base == file.architecture) {
        return Ok(());
    }
    let known: Vec<String> =
        options.variants.iter().map(|known| format!("`{}` of {}", known.tag, known.base)).collect();
    let expected = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(PlanError::Variant { name: file.name.clone(), variant: name.to_owned(), expected })
}

/// Checks what the archive is to hold.
pub(super) fn contents(contents: &Contents, options: &Options) -> Result<(), PlanError> {
    for file in &contents.binaries {
        component(&file.name, &file.component, options)?;
        if file.architecture != "all" && !options.architectures.contains(&file.architecture) {
            return Err(PlanError::Architecture {
                name: file.name.clone(),
                architecture: file.architecture.clone(),
                known: options.architectures.join(", "),
            });
        }
        file_name(&file.name)?;
        package(&file.source)?;
        control_of(file)?;
        variant(file, options)?;
    }
    for file in &contents.beside {
        file_name(&file.name)?;
        package(&file.source)?;
    }
    for set in &contents.sources {
        component(&set.file.name, &set.component, options)?;
        package(&set.dsc.source)?;
        for name in std::iter::once(&set.file.name).chain(set.dsc.files.iter().map(|file| &file.name)) {
            file_name(name)?;
        }
        for (what, text) in [("section", &set.section), ("priority", &set.priority)] {
            if text.chars().any(char::is_control) {
                return Err(wrong(what, "one word", text));
            }
        }
    }
    Ok(())
}

/// The control paragraph is one, and of this package.
fn control_of(file: &BinaryFile) -> Result<(), PlanError> {
    let error =
        |expected: String, got: &str| PlanError::Control { name: file.name.clone(), expected, got: got.to_owned() };
    let mut paragraphs = control::paragraphs(file.control.as_bytes());
    let (Some(paragraph), None) = (paragraphs.next(), paragraphs.next()) else {
        return Err(error("one paragraph".to_owned(), "none or more"));
    };
    let fields = [("Package", &file.package), ("Version", &file.version), ("Architecture", &file.architecture)];
    for (field, expected) in fields {
        let got = paragraph.text(field).unwrap_or_default();
        if got != expected {
            return Err(error(format!("`{field}: {expected}`"), got));
        }
    }
    Ok(())
}

/// A component that the archive has.
fn component(name: &str, component: &str, options: &Options) -> Result<(), PlanError> {
    if options.components.iter().any(|known| known == component) {
        return Ok(());
    }
    let (name, component, known) = (name.to_owned(), component.to_owned(), options.components.join(", "));
    Err(PlanError::Component { name, component, known })
}

/// A relative folder such as `bookworm`, `bookworm/updates` or `updates/main`.
fn folder(what: &'static str, text: &str) -> Result<(), PlanError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_' | b'~');
    let fine =
        text.split('/').all(|part| !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(letter));
    if fine { Ok(()) } else { Err(wrong(what, "a name, or names with `/` between", text)) }
}

/// A source package name: what a folder of the pool is called.
fn package(name: &str) -> Result<(), PlanError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_');
    let fine = name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(letter);
    if fine { Ok(()) } else { Err(wrong("source", "a package name", name)) }
}

/// A file name that stays in its folder and on its line.
fn file_name(name: &str) -> Result<(), PlanError> {
    let letter = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'\\');
    let fine = !name.is_empty() && !name.starts_with(['.', '-']) && name.bytes().all(letter);
    if fine { Ok(()) } else { Err(wrong("file", "a file name without a folder", name)) }
}

/// An error about a name.
fn wrong(what: &str, expected: &'static str, got: &str) -> PlanError {
    PlanError::Name { what: what.to_owned(), expected, got: got.to_owned() }
}
