//! What we read out of source lists is what real apt reads out of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::support::Machine;
use crate::core::debian::apt_source::Wanted;
use crate::core::recipe::AptSources;

/// The indexes that real apt would fetch for amd64, without the ending of the compression.
fn asked_by_apt(root: &Path, state: &Path) -> BTreeSet<String> {
    fs::create_dir_all(state.join("lists/partial")).unwrap();
    let output = Command::new("apt-get")
        .args(["update", "--print-uris", "-o", "APT::Architecture=amd64", "-o"])
        .arg(format!("Dir::Etc={}", root.display()))
        .arg("-o")
        .arg(format!("Dir::State={}", state.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix('\'')?.split_once('\'').map(|(uri, _)| uri))
        .filter_map(|uri| {
            let end = uri.rfind("/Packages").map(|at| at + 9).or_else(|| uri.rfind("/Sources").map(|at| at + 8))?;
            Some(uri[..end].to_owned())
        })
        .filter(|uri| !uri.contains("/binary-") || uri.contains("/binary-amd64/"))
        .collect()
}

/// The indexes that we would ask for, the derived sources left out.
fn asked_by_us(machine: &Machine) -> BTreeSet<String> {
    let entries = machine.mirror().read_entries(&AptSources::System { also: Vec::new() }).unwrap();
    let mut asked = BTreeSet::new();
    for entry in entries.iter().filter_map(|entry| entry.for_architecture("amd64")) {
        for component in &entry.components {
            let (base, packages, sources) = if entry.is_flat() {
                (format!("{}/{}", entry.uri, entry.suite), "Packages".to_owned(), "Sources".to_owned())
            } else {
                let name = &component.name;
                let base = format!("{}/dists/{}/", entry.uri, entry.suite);
                (base, format!("{name}/binary-amd64/Packages"), format!("{name}/source/Sources"))
            };
            if component.binary {
                asked.insert(format!("{base}{packages}"));
            }
            if component.source == Wanted::Declared {
                asked.insert(format!("{base}{sources}"));
            }
        }
    }
    asked
}

#[test]
fn apt_reads_the_same_entries() {
    let machine = Machine::new();
    machine.list(
        "# a comment\n\
         deb http://a.example.org/debian x main contrib # and one more\n\
         deb-src http://a.example.org/debian/ x main\n\
         deb [ arch=armhf ] http://b.example.org x main\n\
         deb [arch=amd64,armhf lang=de trusted=yes] http://c.example.org x/updates main\n\
         deb [arch-=amd64] http://d.example.org x main\n\
         deb [arch+=armhf] http://e.example.org/$(ARCH) x main\n\
         deb file:/srv/flat ./\n\
         deb-src file:/srv/flat/ deep/er/\n",
    );
    let put = |name: &str, text: &str| fs::write(machine.settings.apt_root.join("sources.list.d").join(name), text);
    put(
        "f.sources",
        "# A comment before.\nTypes: deb deb-src\n# A comment between.\nURIs: http://f.example.org http://g.example.org/\n\
         Suites: x\n# A comment inside.\n y\nComponents: main\n non-free\nArchitectures: amd64\nX-Unknown: yes\n\n\n\
         Types: deb\nEnabled: no\nURIs: http://h.example.org\nSuites: x\nComponents: main\n\n\
         Types: deb-src\nEnabled: yes\nURIs: http://i.example.org\nSuites: x\nComponents: main\n",
    )
    .unwrap();
    put("j.list.disabled", "deb http://j.example.org x main").unwrap();
    put("k l.list", "deb http://k.example.org x main").unwrap();
    put("m.list", "deb http://m.example.org x main").unwrap();
    let (ours, theirs) = (asked_by_us(&machine), asked_by_apt(&machine.settings.apt_root, &machine.path("state")));
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 25, "{ours:#?}");
}
