//! `recipes/oem.lua`, built: on the machine's own architecture, and emulated for armhf where `CLOUDBUILD_TEST_BOARDS` is
//! set, since that fetches a base system of it: `tests/run --long boards`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::boards::with;
use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making, SUITE, output, write_index};
use crate::harness::{Place, skip};
use crate::slow_armel::{changed, told};
use crate::slow_outcomes::{document, values};

/// How long the whole may take where builds are emulated.
const PATIENCE: Duration = Duration::from_secs(3000);

/// A processor of an OEM's: its architecture, the variant's tag, and the flags.
struct Board {
    arch: &'static str,
    tag: &'static str,
    flags: &'static str,
}

/// The board of the recipe.
const CORTEX: Board =
    Board { arch: "armhf", tag: "cortexa8", flags: "-march=armv7-a -mtune=cortex-a8 -mfpu=neon -mfloat-abi=hard" };

/// A tree of `tiny-builds` under another name and version.
fn named(place: &Place, name: &str, version: &str) -> PathBuf {
    let to = |file| (file, "tiny-builds", name);
    let versioned = ("changelog", "(1.0)", &*format!("({version})"));
    let format = ("source/format", "3.0 (native)", "1.0");
    let tree = changed(place, name, "tiny-builds", &[to("control"), to("changelog"), to("rules"), versioned, format]);
    fs::rename(tree.join("tiny-builds.c"), tree.join(format!("{name}.c"))).unwrap();
    tree
}

/// Adds binary packages to what the archive lists, which nobody needs to fetch.
fn list(fixture: &Fixture, arch: &str, packages: &[(&str, &str)]) {
    let dir = fixture.path(&format!("dists/{SUITE}/main/binary-{arch}"));
    let mut all = fs::read_to_string(dir.join("Packages")).unwrap();
    for (name, more) in packages {
        all += &format!(
            "Package: {name}\nVersion: 0.1\nArchitecture: {arch}\nMaintainer: Nobody <n@example.org>\n{more}\
             Filename: pool/none/{name}.deb\nSize: 1000\nSHA256: {:064}\nDescription: it\n\n",
            name.len()
        );
    }
    write_index(&dir, "Packages", all.as_bytes());
    fixture.sign();
}

/// The recipe for a board, with the local packages that it names.
fn place_of(board: &Board, how: &str) -> Place {
    let place = with("oem");
    let mut recipe = fs::read_to_string(place.path().join("oem.lua")).unwrap();
    let firmware = format!("acme-firmware_3.1_{}.deb", board.arch);
    for (from, to) in [
        ("\"armhf\"", format!("\"{}\"", board.arch)),
        ("\"cortexa8\"", format!("\"{}\"", board.tag)),
        (CORTEX.flags, board.flags.to_owned()),
        ("acme-firmware_3.1_armhf.deb", firmware.clone()),
        ("arch    = a8,", format!("arch    = a8,{how}")),
    ] {
        assert!(recipe.contains(from), "{from}");
        recipe = recipe.replace(from, &to);
    }
    place.write("oem.lua", &recipe);
    let gcc = named(&place, "gcc-14", "14.2.0-19+acme1");
    output(Command::new("dpkg-source").current_dir(place.path()).arg("-b").arg(&gcc));
    let boot = named(&place, "u-boot", "2024.01");
    fs::rename(boot, place.path().join("u-boot")).unwrap();
    let deb = place.path().join("deb/DEBIAN");
    fs::create_dir_all(&deb).unwrap();
    let control = format!(
        "Package: acme-firmware\nVersion: 3.1\nArchitecture: {}\nMaintainer: A <a@example.org>\nDescription: ours\n",
        board.arch
    );
    fs::write(deb.join("control"), control).unwrap();
    let built = ["--root-owner-group", "-b", "deb", &firmware];
    output(Command::new("dpkg-deb").current_dir(place.path()).args(built));
    place
}

/// Builds it; the recipe's place, and the summary.
fn run(board: &Board, how: &str, making: Making) -> (Place, Value) {
    let place = place_of(board, how);
    let (image, systemd) = (named(&place, "acme-image-meta", "1.0"), named(&place, "acme-systemd", "1.0"));
    let mut making = making.with_base_sources().tree(&image).tree(&systemd);
    making.sources.clear();
    making.upstream.clear();
    let fixture = Fixture::of(&making);
    let listed = [("acme-image-meta", "Depends: acme-firmware\n"), ("systemd", "Source: acme-systemd\n")];
    list(&fixture, board.arch, &listed);
    let entry = fs::read_to_string(fixture.apt_root().join("sources.list.d/fixture.sources")).unwrap();
    place.write("acme.sources", &entry);
    let words = ["oem.lua", "--json", "--only", "acme-image-meta", "--only", "acme-systemd"];
    let ran = place.cloudbuild_on(&fixture, &words).deadline(PATIENCE).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    (place, summary)
}

fn is_complete(place: &Place, summary: &Value, board: &Board) {
    let sources = ["acme-image-meta", "acme-systemd", "gcc-14", "u-boot"];
    assert_eq!(told(summary), sources.map(|source| format!("first {source} installed")), "{summary:#}");
    let dists = place.state("oem").join("out/dists/acme");
    let index = dists.join(format!("main/binary-{}/Packages", board.tag));
    assert_eq!(values(&index, "Package:"), ["acme-firmware", "acme-image-meta", "acme-systemd", "gcc-14", "u-boot"]);
    let ours = values(&index, "Architecture-Variant:");
    assert_eq!(ours, [board.tag; 4], "what was built has its variant, and what was given has none");
    let release = fs::read_to_string(dists.join("Release")).unwrap();
    let architectures = release.lines().find(|line| line.starts_with("Architectures:")).unwrap();
    assert!(architectures.contains(board.tag) && release.contains("Valid-Until:"), "{release}");
    // Real apt installed it, the firmware that nobody built among it.
    let published = &summary["published"][0];
    let proof: Vec<&str> = published["proof"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let of = |name: &str| proof.iter().any(|line| line.starts_with(&format!("{name} ")) && line.contains("installed"));
    assert!(
        of("acme-firmware") && of("acme-image-meta") && published["refused"] == serde_json::json!([]),
        "{published:#}"
    );
}

/// What was verified and did not hold.
fn verified(summary: &Value) -> Vec<String> {
    let text = |one: &Value, field: &str| one["verified"][field].as_str().unwrap().to_owned();
    let all = summary["verified"].as_array().into_iter().flatten();
    all.map(|one| format!("{} {}", text(one, "check"), text(one, "outcome"))).collect()
}

#[test]
pub fn an_oems_image_is_built_with_its_compiler_and_firmware_and_apt_installs_its_variant() {
    if architecture() != "amd64" {
        return skip("recipes/oem.lua", "its stand-in for the recipe's core is a level of amd64");
    }
    let board = Board { arch: "amd64", tag: "amd64v2", flags: "-march=x86-64-v2" };
    let (place, summary) = run(&board, "", Making::default());
    is_complete(&place, &summary, &board);
    // The recipe's level is one of 32-bit ARM, of which nothing here is.
    assert_eq!(verified(&summary), ["isa unknown"; 4], "{summary:#}");
}

#[test]
fn the_oems_image_is_built_emulated_for_its_core() {
    if std::env::var_os("CLOUDBUILD_TEST_BOARDS").is_none() {
        return skip("recipes/oem.lua for armhf", "tests/run --long boards runs it");
    }
    let (place, summary) = run(&CORTEX, " how = cb.emulated {},", Making::default().foreign("armhf"));
    is_complete(&place, &summary, &CORTEX);
    assert_eq!(verified(&summary), Vec::<String>::new(), "{summary:#}");
}
