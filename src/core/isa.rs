//! Whether compiled files stay within an instruction set: what ARM files say of themselves in their build attributes.

use object::elf::{EM_ARM, FileHeader32, SHT_ARM_ATTRIBUTES};
use object::read::elf::{ElfFile32, FileHeader as _, SectionHeader as _};
use object::{Endianness, FileKind};

/// The attributes that matter, by the number that the ABI gives them ("Addenda to, and Errata in, the ABI for the Arm
/// Architecture").
mod tag {
    pub const CPU_ARCH: u64 = 6;
    pub const FP_ARCH: u64 = 10;
    pub const SIMD_ARCH: u64 = 12;
}

/// Architectures by name, each with the values of `Tag_CPU_arch` whose code it runs.
const ARCHITECTURES: [(&str, &[u64]); 9] = [
    ("armv4t", &[0, 1, 2]),
    ("armv5t", &[0, 1, 2, 3]),
    ("armv5te", &[0, 1, 2, 3, 4, 5]),
    ("armv6", &[0, 1, 2, 3, 4, 5, 6]),
    ("armv6k", &[0, 1, 2, 3, 4, 5, 6, 9]),
    ("armv6kz", &[0, 1, 2, 3, 4, 5, 6, 7, 9]),
    ("armv6t2", &[0, 1, 2, 3, 4, 5, 6, 8]),
    ("armv7-a", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ("armv8-a", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14]),
];

/// Floating point units by name, each with the values of `Tag_FP_arch` and `Tag_Advanced_SIMD_arch` that it has.
const UNITS: [(&str, &[u64], &[u64]); 8] = [
    ("none", &[0], &[0]),
    ("vfp", &[0, 1, 2], &[0]),
    ("vfpv3-d16", &[0, 1, 2, 4], &[0]),
    ("vfpv3", &[0, 1, 2, 3, 4], &[0]),
    ("vfpv4-d16", &[0, 1, 2, 4, 6], &[0]),
    ("vfpv4", &[0, 1, 2, 3, 4, 5, 6], &[0]),
    ("neon", &[0, 1, 2, 3, 4], &[0, 1]),
    ("neon-vfpv4", &[0, 1, 2, 3, 4, 5, 6], &[0, 1, 2]),
];

/// The values of `Tag_CPU_arch`, in words.
const CPU_NAMES: [&str; 18] = [
    "pre-v4",
    "v4",
    "v4T",
    "v5T",
    "v5TE",
    "v5TEJ",
    "v6",
    "v6KZ",
    "v6T2",
    "v6K",
    "v7",
    "v6-M",
    "v6S-M",
    "v7E-M",
    "v8-A",
    "v8-R",
    "v8-M.baseline",
    "v8-M.mainline",
];

/// The values of `Tag_FP_arch`, in words.
const FP_NAMES: [&str; 9] =
    ["no FP", "VFPv1", "VFPv2", "VFPv3", "VFPv3-D16", "VFPv4", "VFPv4-D16", "ARMv8 FP", "ARMv8-D16 FP"];

/// What files may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa {
    cpu: &'static [u64],
    fp: &'static [u64],
    simd: &'static [u64],
}

impl Isa {
    /// By name, such as `armv6` and `vfp`.
    ///
    /// # Errors
    /// In words, with the names that there are.
    pub fn named(arch: &str, fpu: &str) -> Result<Isa, String> {
        let (_, cpu) = ARCHITECTURES.iter().find(|(name, _)| *name == arch).ok_or_else(|| {
            let names: Vec<&str> = ARCHITECTURES.iter().map(|(name, _)| *name).collect();
            format!("expected an architecture of `{}`, got `{arch}`", names.join("`, `"))
        })?;
        let (_, fp, simd) = UNITS.iter().find(|(name, ..)| *name == fpu).ok_or_else(|| {
            let names: Vec<&str> = UNITS.iter().map(|(name, ..)| *name).collect();
            format!("expected a floating point unit of `{}`, got `{fpu}`", names.join("`, `"))
        })?;
        Ok(Isa { cpu, fp, simd })
    }

    /// Whether a file is one for 32-bit ARM.
    ///
    /// # Errors
    /// As below.
    pub fn is_for(&self, file: &[u8]) -> Result<bool, object::read::Error> {
        Ok(attributes(file)?.is_some())
    }

    /// What a file asks for beyond this; `None` where it stays within, and for what is no compiled file for ARM.
    ///
    /// # Errors
    /// The file is an ELF file, and cannot be read.
    pub fn exceeded_by(&self, file: &[u8]) -> Result<Option<String>, object::read::Error> {
        let Some([cpu, fp, simd]) = attributes(file)? else { return Ok(None) };
        let mut beyond = Vec::new();
        if !self.cpu.contains(&cpu) {
            beyond.push(format!("ARM{}", word(&CPU_NAMES, cpu)));
        }
        if !self.fp.contains(&fp) {
            beyond.push(word(&FP_NAMES, fp));
        }
        if !self.simd.contains(&simd) {
            beyond.push("NEON".to_owned());
        }
        Ok((!beyond.is_empty()).then(|| beyond.join(", ")))
    }
}

fn word(names: &[&str], value: u64) -> String {
    let name = usize::try_from(value).ok().and_then(|value| names.get(value));
    name.map_or_else(|| format!("(attribute {value})"), |name| (*name).to_owned())
}

/// `Tag_CPU_arch`, `Tag_FP_arch` and `Tag_Advanced_SIMD_arch` of an ELF file for 32-bit ARM; one that is not there is 0,
/// as the ABI has it.
fn attributes(file: &[u8]) -> Result<Option<[u64; 3]>, object::read::Error> {
    if !matches!(FileKind::parse(file), Ok(FileKind::Elf32)) {
        return Ok(None);
    }
    let elf = ElfFile32::<Endianness>::parse(file)?;
    let endian = elf.endian();
    if elf.elf_header().e_machine(endian) != EM_ARM {
        return Ok(None);
    }
    let mut found = [0; 3];
    let sections = elf.elf_section_table();
    for section in sections.iter().filter(|section| section.sh_type(endian) == SHT_ARM_ATTRIBUTES) {
        let attributes =
            object::read::elf::AttributesSection::<FileHeader32<Endianness>>::new(endian, section.data(endian, file)?)?;
        let mut subsections = attributes.subsections()?;
        while let Some(subsection) = subsections.next()? {
            if subsection.vendor() != b"aeabi" {
                continue;
            }
            let mut parts = subsection.subsubsections();
            while let Some(part) = parts.next()? {
                let mut reader = part.attributes();
                while let Some(tag) = reader.read_tag()? {
                    read(&mut reader, tag, &mut found)?;
                }
            }
        }
    }
    Ok(Some(found))
}

/// Reads the value of one attribute: what kind it is follows from the tag.
fn read(
    reader: &mut object::read::elf::AttributeReader<'_>,
    tag: u64,
    found: &mut [u64; 3],
) -> Result<(), object::read::Error> {
    // CPU_raw_name, CPU_name, and above 32 whatever is odd are texts; `compatibility` is a number and a text.
    let (number, text) = match tag {
        4 | 5 => (false, true),
        32 => (true, true),
        tag if tag > 32 => (tag % 2 == 0, tag % 2 == 1),
        _ => (true, false),
    };
    if number {
        let value = reader.read_integer()?;
        let place = match tag {
            tag::CPU_ARCH => Some(0),
            tag::FP_ARCH => Some(1),
            tag::SIMD_ARCH => Some(2),
            _ => None,
        };
        if let Some(place) = place {
            found[place] = value.max(found[place]);
        }
    }
    if text {
        reader.read_string()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of a machine with attributes and nothing else.
    fn elf(machine: u16, attributes: &[u8]) -> Vec<u8> {
        let file_part = [&[1][..], &(5 + attributes.len() as u32).to_le_bytes(), attributes].concat();
        let vendor = [b"aeabi\0", &file_part[..]].concat();
        let section = [b"A", &(4 + vendor.len() as u32).to_le_bytes()[..], &vendor].concat();
        let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let halves = |file: &mut Vec<u8>, values: &[u16]| values.iter().for_each(|v| file.extend(v.to_le_bytes()));
        let words = |file: &mut Vec<u8>, values: &[u32]| values.iter().for_each(|v| file.extend(v.to_le_bytes()));
        halves(&mut file, &[3, machine]);
        words(&mut file, &[1, 0, 0, 52, 0x0500_0000]);
        halves(&mut file, &[52, 0, 0, 40, 3, 2]);
        let names = b"\0.names\0.ARM.attributes\0";
        let at = 52 + 3 * 40;
        words(&mut file, &[0; 10]);
        words(&mut file, &[8, SHT_ARM_ATTRIBUTES, 0, 0, at, section.len() as u32, 0, 0, 1, 0]);
        words(&mut file, &[1, 3, 0, 0, at + section.len() as u32, names.len() as u32, 0, 0, 1, 0]);
        [&file[..], &section, names].concat()
    }

    fn check(arch: &str, fpu: &str, file: &[u8]) -> Option<String> {
        Isa::named(arch, fpu).unwrap().exceeded_by(file).unwrap()
    }

    #[test]
    fn a_file_for_a_later_processor_or_unit_exceeds_the_level() {
        // As gcc writes them: CPU_name, CPU_arch, FP_arch, SIMD, compatibility, an unknown text.
        let v7 = elf(EM_ARM, b"\x057-A\0\x06\x0a\x0a\x04\x0c\x01\x20\x01gnu\0\x43x\0");
        assert_eq!(check("armv6", "vfp", &v7).unwrap(), "ARMv7, VFPv3-D16, NEON");
        assert_eq!(check("armv7-a", "vfpv3-d16", &v7).unwrap(), "NEON");
        assert_eq!(check("armv7-a", "neon", &v7), None);
        let v6 = elf(EM_ARM, b"\x056\0\x06\x06\x0a\x02");
        assert_eq!(check("armv6", "vfp", &v6), None);
        assert_eq!(check("armv5te", "none", &v6).unwrap(), "ARMv6, VFPv2");
        // The ARM1176 is a v6KZ, and what is for that is more than a plain v6 runs.
        let kz = elf(EM_ARM, b"\x06\x07");
        assert_eq!((check("armv6", "vfp", &kz).unwrap().as_str(), check("armv6kz", "vfp", &kz)), ("ARMv6KZ", None));
    }

    #[test]
    fn what_is_not_for_arm_is_none_of_its_business_and_what_is_broken_is_said() {
        for other in [&b"#!/bin/sh\n"[..], b"", &elf(3, b"\x06\x0a")] {
            assert_eq!(check("armv6", "vfp", other), None);
        }
        let isa = Isa::named("armv6", "vfp").unwrap();
        let whole = elf(EM_ARM, b"\x06\x06");
        // Cut off within the attributes; wherever it is cut off, nothing panics.
        assert!(isa.exceeded_by(&whole[..52 + 3 * 40 + 5]).is_err());
        (0..whole.len()).for_each(|length| drop(isa.exceeded_by(&whole[..length])));
    }

    #[test]
    fn a_level_that_is_not_known_is_refused_with_those_that_are() {
        assert!(Isa::named("armv3", "vfp").unwrap_err().contains("`armv6`, `armv6k`"));
        assert!(Isa::named("armv6", "sse").unwrap_err().contains("`vfp`, `vfpv3-d16`"));
    }
}
