//! Values that several keep, without a copy for each: the order of a whole archive is large, and a plan, its journal
//! and the recipe all have it.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that does not change any more, and that costs nothing to clone. Its text form is that of the value.
#[derive(Debug, Default)]
pub struct Shared<T>(Arc<T>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(Arc::clone(&self.0))
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Shared<T> {
        Shared(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Eq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<'s, I> IntoIterator for &'s Shared<Vec<I>> {
    type Item = &'s I;
    type IntoIter = std::slice::Iter<'s, I>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shared<T>, D::Error> {
        T::deserialize(deserializer).map(Shared::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_reads_compares_and_is_written_as_the_value_itself() {
        let shared: Shared<Vec<u32>> = vec![1, 2].into();
        assert!(std::ptr::eq(&*shared, &*shared.clone()));
        assert_eq!((&shared).into_iter().sum::<u32>(), 3);
        let text = serde_json::to_string(&shared).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str::<Shared<Vec<u32>>>(&text).unwrap()), ("[1,2]", shared));
    }
}
