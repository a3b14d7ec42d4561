//! What changed in an index since earlier generations, as patches that apt applies to what it has (`Packages.diff`).
//!
//! Each patch leads from an earlier index straight to the newest (`X-Patch-Precedence: merged`), so a reader fetches one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::core::ids::Sha256;
use crate::core::publish::IndexFile;

/// An index as an earlier generation had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// In the suite's folder, the plain form: `main/binary-amd64/Packages`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// One patch.
struct Patch {
    /// Without `.gz`.
    name: String,
    /// SHA-256 and size of what it applies to.
    from: (Sha256, usize),
    /// The script.
    plain: Vec<u8>,
    /// The script as it is fetched.
    packed: Vec<u8>,
}

/// Whether an index is a patch, which no Release file lists.
pub fn is_patch(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, name)| folder.ends_with(".diff") && name != "Index")
}

/// Whether an index is one that patches are made for: what is large, and there in its plain form.
pub fn has_patches(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("Packages" | "Sources" | "Translation-en"))
}

/// The patches and their indexes, for each index that is among `indexes` with other bytes than it had; oldest first in
/// `earlier`.
pub(super) fn all(indexes: &[IndexFile], earlier: &[Earlier]) -> Vec<IndexFile> {
    let mut of_path: BTreeMap<&str, Vec<&[u8]>> = BTreeMap::new();
    for one in earlier {
        of_path.entry(&one.path).or_default().push(&one.bytes);
    }
    let current = |path: &str| indexes.iter().find(|index| index.path == path);
    let pairs: Vec<_> = of_path.into_iter().filter_map(|(path, old)| Some((current(path)?, old))).collect();
    pairs.into_par_iter().flat_map_iter(|(index, old)| of_index(index, &old)).collect()
}

/// The patches of one index.
fn of_index(index: &IndexFile, earlier: &[&[u8]]) -> Vec<IndexFile> {
    let patch = |old: &&[u8]| {
        let from = Sha256::of(old);
        // A patch that is as large as what it saves is no use to anybody.
        let plain = script(old, &index.bytes).filter(|plain| plain.len() < index.bytes.len())?;
        let name = format!("T-{}-F-{}", &index.sha256.to_string()[..16], &from.to_string()[..16]);
        let packed = gzip(&plain);
        (from != index.sha256).then_some(Patch { name, from: (from, old.len()), plain, packed })
    };
    let mut patches: Vec<Patch> = Vec::new();
    for patch in earlier.iter().filter_map(patch) {
        if !patches.iter().any(|known| known.name == patch.name) {
            patches.push(patch);
        }
    }
    if patches.is_empty() {
        return Vec::new();
    }
    let folder = format!("{}.diff", index.path);
    let text = index_text(index, &patches);
    let mut files = vec![IndexFile::new(format!("{folder}/Index"), text.into_bytes())];
    files.extend(patches.into_iter().map(|patch| IndexFile::new(format!("{folder}/{}.gz", patch.name), patch.packed)));
    files
}

/// What `Index` says of the patches.
fn index_text(index: &IndexFile, patches: &[Patch]) -> String {
    let mut text = format!("SHA256-Current: {} {}\n", index.sha256, index.bytes.len());
    let mut list = |field: &str, line: &dyn Fn(&Patch) -> String| {
        writeln!(text, "SHA256-{field}:").expect("writing to a string never fails");
        for patch in patches {
            writeln!(text, " {}", line(patch)).expect("writing to a string never fails");
        }
    };
    list("History", &|patch| format!("{} {} {}", patch.from.0, patch.from.1, patch.name));
    list("Patches", &|patch| format!("{} {} {}", Sha256::of(&patch.plain), patch.plain.len(), patch.name));
    list("Download", &|patch| format!("{} {} {}.gz", Sha256::of(&patch.packed), patch.packed.len(), patch.name));
    text.push_str("X-Patch-Precedence: merged\n");
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory never fails")
}

/// The script for `ed` that makes `new` of `old`, from the last line to the first, as apt and `patch --ed` want it.
/// `None`: there is a line that such a script cannot have.
fn script(old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let complete = |text: &[u8]| text.is_empty() || text.ends_with(b"\n");
    if !complete(old) || !complete(new) {
        return None;
    }
    let (from, to) = (stanzas(old), stanzas(new));
    let mut out = Vec::new();
    let mut hunks = Vec::new();
    // Lines and stanzas before the next anchor.
    let (mut line, mut at, mut then) = (0, 0, 0);
    for (one, other) in anchors(&from, &to).into_iter().chain([(from.len(), to.len())]) {
        let gone: Vec<&[u8]> = from[at..one].iter().flat_map(|stanza| lines(stanza)).collect();
        let come: Vec<&[u8]> = to[then..other].iter().flat_map(|stanza| lines(stanza)).collect();
        hunks.extend(hunk(line, &gone, &come));
        line += gone.len() + from.get(one).map_or(0, |stanza| lines(stanza).count());
        (at, then) = (one + 1, other + 1);
    }
    for (first, count, lines) in hunks.into_iter().rev() {
        if lines.contains(&b".\n".as_slice()) {
            return None;
        }
        let range = if count > 1 { format!("{},{}", first, first + count - 1) } else { first.to_string() };
        let command = match (count, lines.is_empty()) {
            // Lines are put after the one before.
            (0, _) => format!("{}a\n", first - 1),
            (_, true) => format!("{range}d\n"),
            (_, false) => format!("{range}c\n"),
        };
        out.extend_from_slice(command.as_bytes());
        if !lines.is_empty() {
            out.extend(lines.concat());
            out.extend_from_slice(b".\n");
        }
    }
    Some(out)
}

/// What differs in a part that begins after `before` lines: the first line, how many go, and what comes.
fn hunk<'t>(before: usize, gone: &[&[u8]], come: &[&'t [u8]]) -> Option<(usize, usize, Vec<&'t [u8]>)> {
    let head = gone.iter().zip(come).take_while(|(one, other)| one == other).count();
    let (gone, come) = (&gone[head..], &come[head..]);
    let tail = gone.iter().rev().zip(come.iter().rev()).take_while(|(one, other)| one == other).count();
    let (gone, come) = (gone.len() - tail, &come[..come.len() - tail]);
    (gone > 0 || !come.is_empty()).then(|| (before + head + 1, gone, come.to_vec()))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n')
}

/// Stanzas, each with the blank line behind it.
fn stanzas(text: &[u8]) -> Vec<&[u8]> {
    let (mut stanzas, mut start) = (Vec::new(), 0);
    for end in memchr::memmem::find_iter(text, b"\n\n").map(|at| at + 2) {
        stanzas.push(&text[start..end]);
        start = end;
    }
    if start < text.len() {
        stanzas.push(&text[start..]);
    }
    stanzas
}

/// Stanzas that both have once and in the same order: the longest such row.
fn anchors(from: &[&[u8]], to: &[&[u8]]) -> Vec<(usize, usize)> {
    let mut places: FxHashMap<&[u8], (Option<usize>, Option<usize>)> = FxHashMap::default();
    // What is there twice is no anchor.
    let once = |place: &mut Option<usize>, seen: bool, at| *place = if seen { None } else { Some(at) };
    let mut seen: FxHashMap<&[u8], (u32, u32)> = FxHashMap::default();
    for (at, stanza) in from.iter().enumerate() {
        let count = &mut seen.entry(stanza).or_default().0;
        *count += 1;
        once(&mut places.entry(stanza).or_default().0, *count > 1, at);
    }
    for (at, stanza) in to.iter().enumerate() {
        let count = &mut seen.entry(stanza).or_default().1;
        *count += 1;
        once(&mut places.entry(stanza).or_default().1, *count > 1, at);
    }
    let mut pairs: Vec<(usize, usize)> = places.into_values().filter_map(|(one, other)| one.zip(other)).collect();
    pairs.sort_unstable();
    longest_rising(&pairs)
}

/// The longest row of pairs in which the second number rises as the first one does.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The last pair of the best row of each length, and the pair before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < pair.1);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() { ends.push(at) } else { ends[length] = at }
    }
    let mut row: Vec<(usize, usize)> =
        std::iter::successors(ends.last().copied(), |&at| before[at]).map(|at| pairs[at]).collect();
    row.reverse();
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `ed` makes of a text.
    fn applied(old: &str, script: &str) -> String {
        let mut text: Vec<String> = old.split_inclusive('\n').map(str::to_owned).collect();
        let mut rest = script.lines();
        while let Some(command) = rest.next() {
            let (range, word) = command.split_at(command.len() - 1);
            let (first, last) = range.split_once(',').unwrap_or((range, range));
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            let come: Vec<String> = match word {
                "d" => Vec::new(),
                _ => rest.by_ref().take_while(|line| *line != ".").map(|line| format!("{line}\n")).collect(),
            };
            let gone = if word == "a" { first..first } else { first - 1..last };
            text.splice(gone, come);
        }
        text.concat()
    }

    fn index(names: &[u8]) -> String {
        let stanza = |name: &u8| format!("Package: p{}\nVersion: {}\nArchitecture: all\n", name % 16, name / 16);
        names.iter().map(stanza).collect::<Vec<_>>().join("\n")
    }

    proptest! {
        #[test]
        fn a_patch_makes_the_new_index_of_the_old_one(old: Vec<u8>, new: Vec<u8>, sorted: bool) {
            let (mut old, mut new) = (old, new);
            if sorted {
                old.sort_unstable();
                new.sort_unstable();
            }
            let (old, new) = (index(&old), index(&new));
            let script = String::from_utf8(script(old.as_bytes(), new.as_bytes()).unwrap()).unwrap();
            prop_assert_eq!(applied(&old, &script), new);
        }
    }

    #[test]
    fn one_stanza_more_is_a_patch_of_that_stanza() {
        let old = index(&[1, 2, 3, 5]);
        let script = script(old.as_bytes(), index(&[1, 2, 3, 4, 5]).as_bytes()).unwrap();
        let expected = "12a\nPackage: p4\nVersion: 0\nArchitecture: all\n\n.\n";
        assert_eq!(String::from_utf8(script).unwrap(), expected);
    }

    #[test]
    fn what_no_script_can_say_has_no_patch() {
        assert_eq!(script(b"A: 1\n", b"A: 1\n.\n"), None);
        assert_eq!(script(b"A: 1\n", b"A: 2"), None);
        let same = IndexFile::new("main/source/Sources".to_owned(), b"A: 1\n".to_vec());
        let earlier = Earlier { path: same.path.clone(), bytes: same.bytes.clone() };
        assert!(all(&[same], &[earlier]).is_empty());
        assert!(is_patch("main/binary-amd64/Packages.diff/T-1-F-2.gz"));
        assert!(!is_patch("main/binary-amd64/Packages.diff/Index") && !is_patch("main/binary-amd64/Packages.gz"));
    }
}
