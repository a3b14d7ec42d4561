//! What an ELF file holds: code and constants, exported symbols.

use object::elf::{SHF_ALLOC, SHF_WRITE, SHN_UNDEF, STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK};
use object::read::elf::{ElfFile32, ElfFile64, FileHeader, Sym};
use object::{Endianness, FileKind, Object, ObjectSection, SectionFlags};

/// What was counted in ELF files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many files they are.
    pub files: u64,
    /// Bytes that are loaded and never written to, as size(1) counts `text`.
    pub text: u64,
    /// Symbols that others may use: defined ones of the dynamic table, global or weak.
    pub symbols: u64,
}

impl Counted {
    /// Adds a file; one that is no ELF file changes nothing.
    ///
    /// # Errors
    /// It is an ELF file, and cannot be read.
    pub fn add(&mut self, file: &[u8]) -> Result<(), object::read::Error> {
        match FileKind::parse(file) {
            Ok(FileKind::Elf32) => self.count(&ElfFile32::<Endianness>::parse(file)?),
            Ok(FileKind::Elf64) => self.count(&ElfFile64::<Endianness>::parse(file)?),
            // The kinds are not ours, and what has none is no object at all.
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }

    fn count<'d, E: FileHeader<Endian = Endianness>>(&mut self, file: &object::read::elf::ElfFile<'d, E>) {
        self.files += 1;
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else { continue };
            if sh_flags & u64::from(SHF_ALLOC) != 0 && sh_flags & u64::from(SHF_WRITE) == 0 {
                self.text += section.size();
            }
        }
        let exported = |symbol: &object::read::elf::ElfSymbol<'d, '_, E>| {
            let raw = symbol.elf_symbol();
            let binding = raw.st_bind();
            raw.st_shndx(file.endian()) != SHN_UNDEF && [STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE].contains(&binding)
        };
        self.symbols += file.dynamic_symbols().filter(exported).count() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 64-bit file with sections of these types, flags and contents; the first after the null one is the table of
    /// their names, and links are to the section after.
    fn elf(sections: &[(u32, u64, &[u8])]) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let (count, at) = (sections.len() as u16 + 2, 64);
        let names = at + sections.iter().map(|(.., bytes)| bytes.len()).sum::<usize>();
        let headers = (names + 1).next_multiple_of(8);
        [3u16, 62].iter().for_each(|half| file.extend(half.to_le_bytes()));
        file.extend(1u32.to_le_bytes());
        [0u64, 0, headers as u64].iter().for_each(|word| file.extend(word.to_le_bytes()));
        file.extend(0u32.to_le_bytes());
        [64u16, 0, 0, 64, count, 1].iter().for_each(|half| file.extend(half.to_le_bytes()));
        sections.iter().for_each(|(.., bytes)| file.extend(*bytes));
        file.resize(headers + 64, 0);
        let mut offset = at;
        let all = std::iter::once((3u32, 0u64, &b"\0"[..], names));
        let rest = sections.iter().map(|(kind, flags, bytes)| {
            offset += bytes.len();
            (*kind, *flags, *bytes, offset - bytes.len())
        });
        for (number, (kind, flags, bytes, offset)) in all.chain(rest.collect::<Vec<_>>()).enumerate() {
            let entry = if kind == 11 { 24u64 } else { 0 };
            [0u32, kind].iter().for_each(|word| file.extend(word.to_le_bytes()));
            [flags, 0, offset as u64, bytes.len() as u64].iter().for_each(|word| file.extend(word.to_le_bytes()));
            [number as u32 + 2, 1].iter().for_each(|word| file.extend(word.to_le_bytes()));
            [1, entry].iter().for_each(|word| file.extend(word.to_le_bytes()));
        }
        file
    }

    /// A symbol of the binding, in the section.
    fn symbol(binding: u8, section: u16) -> Vec<u8> {
        let mut symbol = 1u32.to_le_bytes().to_vec();
        symbol.extend([binding << 4 | 1, 0]);
        symbol.extend(section.to_le_bytes());
        symbol.extend([0; 16]);
        symbol
    }

    #[test]
    fn text_is_what_is_loaded_and_not_written_and_symbols_are_those_that_others_may_use() {
        let symbols = [vec![0; 24], symbol(1, 2), symbol(2, 2), symbol(1, 0), symbol(0, 2)].concat();
        let (code, data, debug) = ([0; 104], [0; 32], [0; 1000]);
        let sections: [(u32, u64, &[u8]); 5] =
            [(1, 6, &code), (1, 3, &data), (1, 0, &debug), (11, 2, &symbols), (3, 2, b"\0x\0")];
        let file = elf(&sections);
        let mut counted = Counted::default();
        counted.add(&file).unwrap();
        let text = 104 + symbols.len() as u64 + 3;
        assert_eq!(counted, Counted { files: 1, text, symbols: 2 });
        // Any part of one may come from a builder.
        for length in 0..file.len() {
            let _ = Counted::default().add(&file[..length]);
        }
        counted.add(b"#!/bin/sh\n").unwrap();
        assert_eq!(counted.files, 1);
    }
}
