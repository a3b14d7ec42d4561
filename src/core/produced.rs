//! Who compiled what is in an ELF file, and with which flags: what compilers write into debug information
//! (`DW_AT_producer`), or into `.GCC.command.line` where `-frecord-gcc-switches` asks for it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use gimli::{AttributeValue, DebugAbbrev, DebugInfo, DebugLineStr, DebugStr, EndianSlice, RunTimeEndian};
use object::{CompressionFormat, FileKind, Object, ObjectSection};

/// The largest section that is unpacked, in bytes.
const MOST: u64 = 8 << 30;

/// What the compiled units of some files say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Producers {
    /// Each text, with the number of units that have it.
    pub units: BTreeMap<String, u64>,
    /// Texts that are in the strings of another file, by their place there: dwz(1) puts there what files share.
    shared: Vec<usize>,
    strings: Vec<u8>,
}

impl Producers {
    /// Adds a file; one that is no ELF file, or has no debug information, changes nothing. `path` tells which one holds
    /// what others share.
    ///
    /// # Errors
    /// In words, of a file whose debug information cannot be read.
    pub fn add(&mut self, path: &str, file: &[u8]) -> Result<(), String> {
        if !matches!(FileKind::parse(file), Ok(FileKind::Elf32 | FileKind::Elf64)) {
            return Ok(());
        }
        let elf = object::File::parse(file).map_err(|error| error.to_string())?;
        let section = |name: &str| section(&elf, name);
        if path.contains("/.dwz/") {
            self.strings = section(".debug_str")?.into_owned();
            return Ok(());
        }
        let switches = section(".GCC.command.line")?;
        let said = switches.split(|byte| *byte == 0).filter(|text| !text.is_empty());
        let said: Vec<String> = said.map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        let (info, abbrev) = (section(".debug_info")?, section(".debug_abbrev")?);
        let (strings, lines) = (section(".debug_str")?, section(".debug_line_str")?);
        let parts = Parts { info: &info, abbrev: &abbrev, strings: &strings, lines: &lines };
        let before = self.units.values().sum::<u64>();
        self.read(&parts, if elf.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big })
            .map_err(|error| error.to_string())?;
        if !said.is_empty() && before == self.units.values().sum::<u64>() {
            *self.units.entry(said.join(" ")).or_default() += 1;
        }
        Ok(())
    }

    fn read(&mut self, parts: &Parts<'_>, endian: RunTimeEndian) -> Result<(), gimli::Error> {
        let (info, abbrev) = (DebugInfo::new(parts.info, endian), DebugAbbrev::new(parts.abbrev, endian));
        let (strings, lines) =
            (DebugStr::new(parts.strings, endian), DebugLineStr::from(EndianSlice::new(parts.lines, endian)));
        let mut units = info.units();
        while let Some(unit) = units.next()? {
            let abbreviations = unit.abbreviations(&abbrev)?;
            let mut entries = unit.entries(&abbreviations);
            let Some((_, root)) = entries.next_dfs()? else { continue };
            let text = match root.attr_value(gimli::DW_AT_producer)? {
                Some(AttributeValue::String(text)) => text,
                Some(AttributeValue::DebugStrRef(place)) => strings.get_str(place)?,
                Some(AttributeValue::DebugLineStrRef(place)) => lines.get_str(place)?,
                Some(AttributeValue::DebugStrRefSup(place)) => {
                    self.shared.push(place.0);
                    continue;
                }
                // A part that units share has none; what is elsewhere is not known.
                Some(_) | None => continue,
            };
            *self.units.entry(text.to_string_lossy().into_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// All units, those included whose texts are in another file of the same package.
    pub fn settled(mut self) -> BTreeMap<String, u64> {
        for place in &self.shared {
            let text = self.strings.get(*place..).and_then(|rest| rest.split(|byte| *byte == 0).next());
            let text = text.filter(|text| !text.is_empty()).unwrap_or(b"(not known)");
            *self.units.entry(String::from_utf8_lossy(text).into_owned()).or_default() += 1;
        }
        self.units
    }
}

/// The sections that are read.
struct Parts<'p> {
    info: &'p [u8],
    abbrev: &'p [u8],
    strings: &'p [u8],
    lines: &'p [u8],
}

/// A section's content, unpacked; empty where there is none.
fn section<'f>(elf: &object::File<'f>, name: &str) -> Result<Cow<'f, [u8]>, String> {
    let Some(section) = elf.section_by_name(name) else { return Ok(Cow::Borrowed(&[])) };
    let packed = section.compressed_data().map_err(|error| format!("`{name}`: {error}"))?;
    let size = packed.uncompressed_size;
    if size > MOST {
        return Err(format!("`{name}`: expected at most {MOST} bytes, got {size}"));
    }
    let reader: Box<dyn Read + 'f> = match packed.format {
        CompressionFormat::None => return Ok(Cow::Borrowed(packed.data)),
        CompressionFormat::Zlib => Box::new(flate2::read::ZlibDecoder::new(packed.data)),
        CompressionFormat::Zstandard => {
            Box::new(zstd::stream::read::Decoder::new(packed.data).map_err(|error| format!("`{name}`: {error}"))?)
        }
        // The formats are not ours.
        _ => return Err(format!("`{name}`: packed in a way that is not known")),
    };
    let mut unpacked = Vec::new();
    reader.take(size).read_to_end(&mut unpacked).map_err(|error| format!("`{name}`: {error}"))?;
    Ok(Cow::Owned(unpacked))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What gcc and its friends make of a program with these flags.
    fn compiled(flags: &[&str]) -> BTreeMap<String, u64> {
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("x.c"), folder.path().join("x"));
        std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        let made = std::process::Command::new("gcc").args(flags).arg("-o").arg(&program).arg(&source).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let file = std::fs::read(&program).unwrap();
        let mut producers = Producers::default();
        producers.add("usr/bin/x", &file).unwrap();
        // Any part of one may come from a builder.
        for length in (0..file.len()).step_by(97) {
            let _ = Producers::default().add("usr/bin/x", &file[..length]);
        }
        producers.settled()
    }

    #[test]
    fn a_compiled_file_says_which_flags_it_was_compiled_with_packed_or_not() {
        for packed in ["-gz=none", "-gz=zlib"] {
            let units = compiled(&["-g", packed, "-O3", "-funroll-loops"]);
            let all: Vec<&String> = units.keys().collect();
            assert!(
                all.iter().any(|text| text.contains(" -O3 ") && text.contains("-funroll-loops")),
                "{packed}: {all:?}"
            );
        }
    }

    #[test]
    fn a_file_without_debug_information_says_nothing_unless_it_was_asked_to() {
        assert!(compiled(&["-g0", "-O3"]).is_empty());
        let recorded = compiled(&["-g0", "-O3", "-frecord-gcc-switches"]);
        assert!(recorded.keys().any(|text| text.contains("-O3")), "{recorded:?}");
    }
}
