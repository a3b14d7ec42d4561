//! Which machines are larger: by the memory that builders of a type said they have, and else by the type's name.

use std::collections::BTreeMap;

/// Bytes of memory by instance type, as far as builders of it were there.
pub type Sizes = BTreeMap<String, u64>;

/// Whether a machine of this type has more memory than so many bytes, or may have: nobody knows before one was there,
/// but within a family (`m2.xlarge`, `m2.2xlarge`) the names say which one is larger.
pub fn may_exceed(instance_type: &str, than: u64, sizes: &Sizes) -> bool {
    if let Some(memory) = sizes.get(instance_type) {
        return *memory > than;
    }
    let Some((family, steps)) = steps(instance_type) else { return true };
    let smaller_than_one_that_does_not_do = sizes.iter().any(|(known, memory)| {
        self::steps(known).is_some_and(|(of, known)| of == family && known >= steps) && *memory <= than
    });
    !smaller_than_one_that_does_not_do
}

/// The family of a type, and how large it is within that: `m2.2xlarge` is twice as large as `m2.xlarge`.
fn steps(instance_type: &str) -> Option<(&str, u32)> {
    let (family, size) = instance_type.split_once('.')?;
    let steps = match size {
        "nano" => 1,
        "micro" => 2,
        "small" => 4,
        "medium" => 8,
        "large" => 16,
        "xlarge" => 32,
        _ => size.strip_suffix("xlarge")?.parse::<u32>().ok()?.checked_mul(32)?,
    };
    Some((family, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1 << 30;

    fn check(instance_type: &str, than: u64) -> bool {
        let sizes = Sizes::from([("m5.xlarge".to_owned(), 16 * GB), ("odd".to_owned(), 4 * GB)]);
        may_exceed(instance_type, than, &sizes)
    }

    #[test]
    fn what_builders_said_counts_most() {
        assert!(check("m5.xlarge", 8 * GB));
        assert!(!check("m5.xlarge", 16 * GB));
        assert!(!check("odd", 16 * GB));
    }

    #[test]
    fn within_a_family_a_smaller_name_is_no_larger_machine() {
        assert!(!check("m5.large", 16 * GB));
        assert!(check("m5.2xlarge", 16 * GB));
        assert!(check("m5.12xlarge", 16 * GB));
        // It may do where the one that is known does.
        assert!(check("m5.large", 8 * GB));
    }

    #[test]
    fn of_what_nobody_knows_anything_may_be() {
        assert!(check("c5.large", 16 * GB));
        assert!(check("own-flavour", 16 * GB));
        assert!(check("m5.metal", 16 * GB));
    }
}
