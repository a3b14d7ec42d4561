//! Why something cannot be installed, in words.

use std::fmt;

/// One link of a chain: who needed it asked for `relation`, and got `package`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As the field has it, without what does not hold here.
    pub relation: String,
    /// Name of the package that would be taken for it.
    pub package: String,
}

/// What there is instead of what a relation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    /// Nothing of that name.
    Nothing,
    /// Other versions.
    Versions(Vec<String>),
    /// Only packages that provide it without saying a version.
    Unversioned(Vec<String>),
    /// It is there, but not for the architecture that is asked for.
    Elsewhere(Vec<String>),
    /// It is there, but only `Multi-Arch: allowed` packages satisfy `:any`.
    NotAllowed,
    /// The relation is none; what is wrong with it.
    Malformed(String),
}

/// Two things that cannot be together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion {
    /// A package excludes another by a field.
    Declared {
        /// How we come to the package that says so.
        by: Vec<Step>,
        /// `Conflicts` or `Breaks`.
        field: &'static str,
        /// What the field says.
        relation: String,
        /// How we come to the other one.
        other: Vec<Step>,
    },
    /// One package for two architectures.
    Architectures {
        /// How we come to the one.
        one: Vec<Step>,
        /// How we come to the other.
        other: Vec<Step>,
        /// The architectures.
        architectures: [String; 2],
    },
    /// What is to be built must not have it there.
    BuildConflicts {
        /// What the field says.
        relation: String,
        /// How we come to the package.
        package: Vec<Step>,
    },
}

/// Why something cannot be installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something is nowhere to be had.
    Missing {
        /// The chain that leads to it.
        steps: Vec<Step>,
        /// What is missing.
        relation: String,
        /// What there is instead.
        there: There,
    },
    /// Packages exclude each other.
    Excluded {
        /// The relations that it begins with; none when the Essential packages exclude each other.
        wanted: Vec<String>,
        /// Who excludes whom.
        exclusions: Vec<Exclusion>,
    },
    /// The indexes have no packages for the architecture.
    NoPackages {
        /// The architecture that was asked for.
        architecture: String,
        /// Architectures that there are packages for.
        there: Vec<String>,
    },
}

impl Refusal {
    /// What could be done about it, if there is a sensible word.
    pub fn hint(&self) -> Option<String> {
        match self {
            Refusal::Missing { relation, there, .. } => hint_of_missing(relation, there),
            Refusal::Excluded { exclusions, .. } => exclusions.iter().find_map(|exclusion| match exclusion {
                Exclusion::BuildConflicts { relation, .. } => {
                    Some(format!("have something built without `{relation}`, which the source must not be built with"))
                }
                Exclusion::Declared { by, other, .. } => {
                    let [by, other] = [by, other].map(|chain| chain.last().map(|step| step.package.clone()));
                    Some(format!("have `{}` or `{}` in versions that go together", by?, other?))
                }
                Exclusion::Architectures { one, .. } => {
                    let package = &one.last()?.package;
                    Some(format!("`{package}` could be there twice if it were `Multi-Arch: same`, and of one version"))
                }
            }),
            Refusal::NoPackages { architecture, there } => Some(match there.as_slice() {
                [] => format!("import a suite that has the base system for `{architecture}`"),
                there => format!(
                    "set the architecture to one of {}, or import what there is for `{architecture}`",
                    listed(there)
                ),
            }),
        }
    }
}

fn hint_of_missing(relation: &str, there: &There) -> Option<String> {
    Some(match there {
        There::Nothing => format!("import a suite that has `{relation}`, or build first what makes it"),
        There::Versions(_) => format!("`{relation}` must be imported or built first"),
        There::Unversioned(names) => {
            format!("a versioned relation wants a versioned `Provides`, which {} could have", listed(names))
        }
        There::Elsewhere(_) => format!("`{relation}` could be satisfied by a package that is `Multi-Arch: foreign`"),
        There::NotAllowed => "take `:any` away, or have the package say `Multi-Arch: allowed`".to_owned(),
        There::Malformed(_) => "have the field repaired in the package that says it".to_owned(),
    })
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for There {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            There::Nothing => f.write_str("which is not there"),
            There::Versions(versions) => write!(f, "only {} is there", versions.join(", ")),
            There::Unversioned(names) => write!(f, "which is provided without a version by {}", names.join(", ")),
            There::Elsewhere(architectures) => write!(f, "which is there for {} only", architectures.join(", ")),
            There::NotAllowed => f.write_str("which is not `Multi-Arch: allowed`"),
            There::Malformed(reason) => write!(f, "which is no relation: {reason}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Missing { steps, relation, there } => {
                f.write_str("needs ")?;
                for step in steps {
                    let plain =
                        step.relation.split([' ', ':']).next() == Some(&step.package) && !step.relation.contains('|');
                    match plain {
                        true => write!(f, "{}, which needs ", step.relation)?,
                        false => write!(f, "{}, for which {} needs ", step.relation, step.package)?,
                    }
                }
                write!(f, "{relation}, {there}")
            }
            Refusal::Excluded { wanted, exclusions } => {
                let sentences: Vec<String> = exclusions.iter().map(Exclusion::to_string).collect();
                match wanted.is_empty() {
                    true => f.write_str("needs the Essential packages; ")?,
                    false => write!(f, "needs {}; ", wanted.join(" and "))?,
                }
                f.write_str(&sentences.join("; "))
            }
            Refusal::NoPackages { architecture, there } => {
                write!(f, "needs packages for `{architecture}`, ")?;
                match there.as_slice() {
                    [] => f.write_str("the indexes list none at all"),
                    there => write!(f, "the indexes list only those for {}", listed(there)),
                }
            }
        }
    }
}

/// The package at the end of a chain.
fn last(chain: &[Step]) -> &str {
    chain.last().map_or("", |step| step.package.as_str())
}

/// Who wants the last package of a chain, from near to far; nothing where the request itself does.
fn because(chain: &[Step]) -> String {
    match chain {
        [] => String::new(),
        [only] if only.relation.is_empty() => ", which is Essential".to_owned(),
        [_] => String::new(),
        [owners @ .., _] => owners.iter().rev().map(|owner| format!(", which {} needs", owner.package)).collect(),
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exclusion::Declared { by, field, relation, other } => {
                let verb = if *field == "Breaks" { "breaks" } else { "conflicts with" };
                let pause = if because(by).is_empty() { "" } else { "," };
                write!(f, "{}{}{pause} {verb} {relation}", last(by), because(by))?;
                // A relation on a name that others provide does not say whom it hits.
                if relation.split([' ', ':']).next() != Some(last(other)) {
                    write!(f, ", which {} provides", last(other))?;
                }
                f.write_str(&because(other))
            }
            Exclusion::Architectures { one, other, architectures: [first, second] } => {
                let pause = if because(one).is_empty() { "" } else { "," };
                write!(f, "{}:{first}{}{pause} cannot be beside {}:{second}", last(one), because(one), last(other))?;
                f.write_str(&because(other))
            }
            Exclusion::BuildConflicts { relation, package } => {
                write!(f, "build-conflicts with {relation}")?;
                if relation.split([' ', ':']).next() != Some(last(package)) {
                    write!(f, ", which {} provides", last(package))?;
                }
                f.write_str(&because(package))
            }
        }
    }
}
