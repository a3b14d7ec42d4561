//! The smallest program of an architecture: it ends at once, well. Whoever can run it can run others.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};

use super::{HostError, ask};

/// Architectures with a program here: the processor that its ELF header names, its flags, and its code.
const PROGRAMS: [(&str, u16, u32, &[u8]); 5] = [
    // xor edi, edi; mov eax, 60; syscall
    ("amd64", 62, 0, &[0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]),
    // xor ebx, ebx; mov eax, 1; int 0x80
    ("i386", 3, 0, &[0x31, 0xdb, 0xb8, 1, 0, 0, 0, 0xcd, 0x80]),
    // mov x0, 0; mov x8, 93; svc 0
    ("arm64", 183, 0, &[0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 1, 0, 0, 0xd4]),
    // mov r0, 0; mov r7, 1; svc 0
    ("armhf", 40, 0x0500_0000, ARM),
    ("armel", 40, 0x0500_0000, ARM),
];

const ARM: &[u8] = &[0, 0, 0xa0, 0xe3, 1, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef];

/// Where the program is loaded.
const BASE: u64 = 0x1_0000;

/// The program of an architecture, as an ELF file, where there is one here.
fn program(arch: &str) -> Option<Vec<u8>> {
    let (_, machine, flags, code) = PROGRAMS.iter().find(|(name, ..)| *name == arch)?;
    let wide = matches!(arch, "amd64" | "arm64");
    let head: u64 = if wide { 64 + 56 } else { 52 + 32 };
    let size = head + code.len() as u64;
    let mut file = vec![0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    let address = |file: &mut Vec<u8>, value: u64| match wide {
        true => file.extend(value.to_le_bytes()),
        false => file.extend((value as u32).to_le_bytes()),
    };
    half(&mut file, 2);
    half(&mut file, *machine);
    word(&mut file, 1);
    address(&mut file, BASE + head);
    address(&mut file, if wide { 64 } else { 52 });
    address(&mut file, 0);
    word(&mut file, *flags);
    let (header, segment) = if wide { (64, 56) } else { (52, 32) };
    [header, segment, 1, 0, 0, 0].into_iter().for_each(|value| half(&mut file, value));
    // One segment: all of the file, to be read and run.
    word(&mut file, 1);
    if wide {
        word(&mut file, 5);
    }
    [0, BASE, BASE, size, size].into_iter().for_each(|value| address(&mut file, value));
    if !wide {
        word(&mut file, 5);
    }
    address(&mut file, 0x1_0000);
    file.extend_from_slice(code);
    Some(file)
}

/// Whether this machine runs a program of an architecture, however it does it; `None`: there is none to try. `cpu` is
/// the processor that an emulator is to be. The error is what the emulator said.
pub async fn runs(arch: &str, cpu: Option<&str>) -> Option<Result<(), String>> {
    let bytes = program(arch)?;
    Some(match memory(&bytes) {
        Ok(file) => {
            let mut command = std::process::Command::new(format!("/proc/self/fd/{}", file.as_raw_fd()));
            if let Some(cpu) = cpu {
                command.env("QEMU_CPU", cpu);
            }
            match ask(command).await {
                Ok(output) if output.status.success() => Ok(()),
                Ok(output) => {
                    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                    Err(if said.is_empty() { output.status.to_string() } else { said })
                }
                Err(HostError::Io { source, .. }) => Err(source.to_string()),
                Err(other) => Err(other.to_string()),
            }
        }
        Err(error) => Err(error.to_string()),
    })
}

/// A file that is nowhere but in memory: a folder for temporary files may forbid to run what is in it. The emulator
/// opens it by its number, so that must outlive the start of a program.
fn memory(bytes: &[u8]) -> std::io::Result<OwnedFd> {
    let file = memfd_create("cloudbuild-probe", MemfdFlags::empty())?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest)?;
        rest = &rest[written..];
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::host::architecture;

    #[tokio::test]
    async fn this_machine_runs_the_program_of_its_own_architecture() {
        let own = architecture().await.unwrap();
        assert_eq!(runs(&own, None).await.unwrap_or(Ok(())), Ok(()));
        assert_eq!(runs("s390x", None).await, None, "there is no program of it");
    }
}
