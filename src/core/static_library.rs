//! Static libraries: the objects that `ar` put into one file.

use object::read::archive::ArchiveFile;

/// How a static library begins.
pub const LIBRARY: &[u8] = b"!<arch>\n";

/// Hands out each member with its name; names of any length are read, as GNU and BSD write them.
///
/// # Errors
/// The library is cut off, or otherwise none; what came before was handed out.
pub fn each_member(library: &[u8], visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), object::read::Error> {
    for member in ArchiveFile::parse(library)?.members() {
        let member = member?;
        visit(&String::from_utf8_lossy(member.name()), member.data(library)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_handed_out_and_a_library_cut_off_anywhere_is_refused_or_shorter() {
        let member = |name: &str, text: &str| {
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n{text}", 0, 0, 0, 644, text.len())
        };
        let library = ["!<arch>\n", &member("one.o/", "first!"), &member("two.o/", "it")].concat();
        let names = |bytes: &[u8]| {
            let mut names = Vec::new();
            let whole = each_member(bytes, &mut |name, bytes| names.push(format!("{name} {}", bytes.len()))).is_ok();
            (names, whole)
        };
        let all = ["one.o 6", "two.o 2"].map(str::to_owned).to_vec();
        assert_eq!(names(library.as_bytes()), (all.clone(), true));
        for length in 0..library.len() {
            let (found, whole) = names(&library.as_bytes()[..length]);
            assert!(found.len() < 2 && all.starts_with(&found), "{length}: {found:?}");
            // Where nothing follows a whole member, nobody can tell that more was there.
            assert_eq!(whole, length == 8 || length == 8 + 60 + 6, "{length}");
        }
    }
}
