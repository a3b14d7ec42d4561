//! How much memory the machine has.

use std::fs;
use std::path::Path;

/// Bytes of memory that programs here can use: the machine's, or what a control group around us gives of it. 0 where
/// the kernel does not say.
pub fn total() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| of_machine(&text)).unwrap_or(0);
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| {
        let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
        let limit = fs::read_to_string(Path::new("/sys/fs/cgroup").join(path).join("memory.max")).ok()?;
        limit.trim().parse::<u64>().ok()
    });
    group.map_or(machine, |group| machine.min(group))
}

/// `MemTotal:       24560000 kB`
fn of_machine(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_as_the_kernel_writes_it() {
        assert_eq!(of_machine("MemTotal:       24560000 kB\nMemFree: 1 kB\n"), Some(24_560_000 * 1024));
        assert_eq!(of_machine("MemFree: 1 kB\n"), None);
        assert!(total() > 1 << 20);
    }
}
