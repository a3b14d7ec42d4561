//! A variant below its base: older hardware than the base architecture asks for, so that nothing of the base may be in
//! what it is built with.

use super::Variant;
use crate::core::recipe::Against;

/// Whether a build of the variant stands on nothing of the base: what cross builds run on and what earlier stages built,
/// by a compiler of its own, which is built before all others. `compilers` says whether the overlay has such a one.
///
/// # Errors
/// What is wrong, with a hint.
pub fn check(variant: &Variant, stage: &str, against: &[Against], compilers: bool) -> Result<(), String> {
    if !variant.below {
        return Ok(());
    }
    let (name, base) = (&variant.name, &variant.base);
    if against.iter().any(|layer| matches!(layer, Against::Import(_))) {
        return Err(format!(
            "stage `{stage}`: variant `{name}` is below `{base}`, so that nothing of `{base}` may be mixed in, and \
             `against` has all of its suites\n\
             hint: a base stage is built `against = cb.cross_only()`, and later ones against that stage"
        ));
    }
    if !compilers {
        return Err(format!(
            "stage `{stage}`: variant `{name}` is below `{base}`, so that it needs a compiler of its own, which is \
             configured for it: that of `{base}` brings start files and libgcc for newer hardware\n\
             hint: `overlay = {{ cb.source_tree \"gcc-12-{name}\" {{ first = true }} }}`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::flags::{FlagSet, VariantIndex};
    use crate::core::ids::{ImportId, Sha256};

    fn check_of(below: bool, against: &[Against], compilers: bool) -> Result<(), String> {
        let variant = Variant {
            name: "armhf-v6".to_owned(),
            base: "armhf".to_owned(),
            tag: None,
            flags: FlagSet::default(),
            index: VariantIndex::default(),
            below,
        };
        check(&variant, "base", against, compilers)
    }

    #[test]
    fn a_variant_below_its_base_has_a_compiler_of_its_own_and_nothing_of_the_base() {
        let import = ImportId(Sha256::of(b"x"));
        let (all, only) = (Against::Import(import), Against::CrossOnly(import));
        let stage = Against::Stage("base".to_owned());
        assert_eq!(check_of(false, std::slice::from_ref(&all), false), Ok(()));
        assert_eq!(check_of(true, std::slice::from_ref(&only), true), Ok(()));
        assert_eq!(check_of(true, &[stage.clone(), only.clone()], true), Ok(()));
        assert!(check_of(true, &[stage, all], true).unwrap_err().contains("nothing of `armhf` may be mixed in"));
        assert!(check_of(true, &[only], false).unwrap_err().contains("needs a compiler of its own"));
    }
}
