//! A chroot from the fixture archive, by real mmdebstrap.

use std::process::Command;
use std::time::Duration;

use crate::fixture::{Fixture, open_tempdir, output};
use crate::harness::Call;

#[test]
fn mmdebstrap_makes_a_build_chroot_from_the_fixture_alone() {
    let fixture = Fixture::new();
    let place = open_tempdir();
    let tar = place.path().join("chroot.tar");
    let key = fixture.apt_root().join("keyrings/fixture.asc");
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=buildd", "--quiet", "fixture"]).arg(&tar);
    command.arg(format!("deb [signed-by={}] {} fixture main", key.display(), fixture.url()));
    let made =
        Call::of(command).within(place.path()).env("TMPDIR", "/var/tmp").deadline(Duration::from_secs(600)).run();
    assert_eq!(made.code, Some(0), "{made:?}");

    let members = String::from_utf8(output(Command::new("tar").arg("-tf").arg(&tar))).unwrap();
    for program in ["./usr/bin/gcc", "./usr/bin/apt-get", "./usr/bin/dpkg-buildpackage"] {
        assert!(members.lines().any(|member| member == program), "{program} is not in the chroot");
    }
    let asked = fixture.server.requests();
    assert!(asked.iter().any(|path| path.starts_with("/pool/base/build-essential_")), "{asked:#?}");
}
