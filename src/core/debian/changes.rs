//! `.changes`, `.dsc` and `.buildinfo`: what a build says that it took and made. Read strictly and owned, since these
//! files come from builders and from people, and what they name becomes paths and index lines.

use crate::core::ids::Sha256;

mod read;
#[cfg(test)]
mod tests;

use read::Strict;

/// What is wrong with a `.changes`, `.dsc` or `.buildinfo` file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangesError {
    /// The clearsign armour is broken.
    #[error("expected a whole clearsigned message, got one {0}")]
    Armour(&'static str),
    /// Not exactly one paragraph.
    #[error("expected one paragraph, got {0}")]
    Paragraphs(usize),
    /// A line that is no field and no continuation of one.
    #[error("expected `Field: value` or a continuation line, got `{text}` (line {line})")]
    Line {
        /// The line, shortened.
        text: String,
        /// Its number in the paragraph, from 1.
        line: usize,
    },
    /// A field that must be there is not.
    #[error("expected a field `{0}`, got none")]
    Missing(&'static str),
    /// The same field twice.
    #[error("expected one field `{0}`, got two")]
    Twice(String),
    /// A field's value is not what such a field holds.
    #[error("`{field}`: expected {expected}, got `{got}`")]
    Value {
        /// The field.
        field: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// What it holds, shortened.
        got: String,
    },
    /// One list names a file that another leaves out.
    #[error("expected `{first}` and `{second}` to name the same files, but only one of them has `{name}`")]
    OnlyOne {
        /// A list of files.
        first: &'static str,
        /// Another one.
        second: &'static str,
        /// The file.
        name: String,
    },
    /// Two lists give a file different sizes.
    #[error("expected one size of `{name}`, got {first} in `Checksums-Sha256` and {other} in `{field}`")]
    Sizes {
        /// The file.
        name: String,
        /// Its size in `Checksums-Sha256`.
        first: u64,
        /// The other list.
        field: &'static str,
        /// Its size there.
        other: u64,
    },
    /// Only weak hashes are there.
    #[error(
        "expected `Checksums-Sha256`, got only `Files`, whose MD5 proves nothing\n\
         hint: make the source package again with a dpkg of this century: `dpkg-source -b`"
    )]
    OnlyMd5,
}

/// A file as the lists of a `.changes`, `.dsc` or `.buildinfo` name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// File name, without any folder.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// From `Checksums-Sha256`.
    pub sha256: Sha256,
    /// From `Checksums-Sha1`, 40 lower-case hexadecimal digits.
    pub sha1: Option<String>,
    /// From `Files` or `Checksums-Md5`, 32 lower-case hexadecimal digits.
    pub md5: Option<String>,
    /// From `Files` of a `.changes`: `utils`, `contrib/libs`; empty elsewhere.
    pub section: String,
    /// From `Files` of a `.changes`: `optional`; empty elsewhere.
    pub priority: String,
}

/// A `.changes` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Source package name.
    pub source: String,
    /// Version of the source where `Source` gives one, which it does when it differs from `version`; else `version`.
    pub source_version: String,
    /// Version of what was built.
    pub version: String,
    /// The words of `Architecture`: `source`, `amd64`, `all`.
    pub architectures: Vec<String>,
    /// The words of `Binary`; empty for an upload of sources alone.
    pub binaries: Vec<String>,
    /// The first word of `Distribution`.
    pub distribution: String,
    /// The files, in the order of `Checksums-Sha256`.
    pub files: Vec<ListedFile>,
}

impl Changes {
    /// Reads a `.changes` file, clearsigned or not. The signature is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Changes, ChangesError> {
        let strict = Strict::read(bytes)?;
        let version = strict.version()?;
        let (source, source_version) = strict.source()?;
        let files = strict.files(read::Lists::Changes)?;
        let distribution =
            strict.needed("Distribution")?.split_ascii_whitespace().next().unwrap_or_default().to_owned();
        Ok(Changes {
            source,
            source_version: source_version.unwrap_or_else(|| version.clone()),
            version,
            architectures: strict.architectures()?,
            binaries: strict.packages("Binary")?,
            distribution,
            files,
        })
    }
}

/// A line of `Package-List`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageListEntry {
    /// Binary package name.
    pub name: String,
    /// `deb` or `udeb`.
    pub kind: String,
    /// `utils`, `contrib/libs`.
    pub section: String,
    /// `optional`.
    pub priority: String,
    /// What follows, as (key, value): `arch=any` `profile=!stage1` `essential=yes`; list items are joined by commas.
    pub more: Vec<(String, String)>,
}

impl PackageListEntry {
    /// The architectures that the package is built for (`arch=`), wildcards included; none where it is not said.
    pub fn architectures(&self) -> impl Iterator<Item = &str> {
        self.more.iter().filter(|(key, _)| key == "arch").flat_map(|(_, value)| value.split(','))
    }
}

/// A `.dsc` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsc {
    /// Source package name.
    pub source: String,
    /// Its version, with epoch.
    pub version: String,
    /// `1.0`, `3.0 (quilt)`, `3.0 (native)`.
    pub format: String,
    /// The words of `Binary`, commas taken off.
    pub binaries: Vec<String>,
    /// The words of `Architecture`: `any`, `all`, `linux-any`.
    pub architectures: Vec<String>,
    /// `Package-List`; empty where the file was made before dpkg 1.16.
    pub package_list: Vec<PackageListEntry>,
    /// `Build-Depends`, `Build-Depends-Arch`, `Build-Depends-Indep` and the three of `Build-Conflicts`: those that are
    /// there, by name as written here, on one line each.
    pub build_relations: Vec<(&'static str, String)>,
    /// The files beside the `.dsc`, in the order of `Checksums-Sha256`.
    pub files: Vec<ListedFile>,
    /// The paragraph, armour taken off; what is not UTF-8 was read as Latin-1.
    pub text: String,
}

/// The fields of a `.dsc` that say what a build needs.
const BUILD_RELATIONS: [&str; 6] = [
    "Build-Depends",
    "Build-Depends-Arch",
    "Build-Depends-Indep",
    "Build-Conflicts",
    "Build-Conflicts-Arch",
    "Build-Conflicts-Indep",
];

/// The `.dsc` file itself, which a Sources stanza lists beside the files that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DscFile {
    /// File name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// 32 lower-case hexadecimal digits.
    pub md5: String,
    /// 40 lower-case hexadecimal digits.
    pub sha1: Option<String>,
    /// SHA-256.
    pub sha256: Sha256,
}

impl Dsc {
    /// Reads a `.dsc` file, clearsigned or not. The signature is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Dsc, ChangesError> {
        let strict = Strict::read(bytes)?;
        let (source, _) = strict.source()?;
        let build_relations = BUILD_RELATIONS
            .into_iter()
            .filter_map(|name| strict.get(name).map(|value| (name, one_line(value))))
            .collect();
        Ok(Dsc {
            source,
            version: strict.version()?,
            format: strict.needed("Format")?.to_owned(),
            binaries: strict.packages("Binary")?,
            architectures: strict.architectures()?,
            package_list: strict.package_list()?,
            build_relations,
            files: strict.files(read::Lists::Dsc)?,
            text: strict.into_text(),
        })
    }

    /// The value of one of the six build relation fields, on one line.
    pub fn build_relation(&self, name: &str) -> Option<&str> {
        self.build_relations.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The paragraph of a Sources index for this package, ending with a newline: `Package` instead of `Source`, the
    /// lists with the `.dsc` in them, and where it all is. An empty section or priority is left out.
    pub fn sources_stanza(&self, directory: &str, dsc: &DscFile, section: &str, priority: &str) -> String {
        let mut out = format!("Package: {}\n", self.source);
        let lists = ["Source", "Files", "Checksums-Sha1", "Checksums-Sha256", "Checksums-Md5", "Checksums-Sha512"];
        let ours = ["Package", "Directory", "Section", "Priority"];
        for (name, lines) in read::raw_fields(&self.text) {
            if !lists.iter().chain(&ours).any(|list| list.eq_ignore_ascii_case(name)) {
                out.push_str(lines);
            }
        }
        out.push_str(&format!("Directory: {directory}\n"));
        for (name, value) in [("Priority", priority), ("Section", section)] {
            if !value.is_empty() {
                out.push_str(&format!("{name}: {value}\n"));
            }
        }
        let md5 = |file: &ListedFile| file.md5.clone();
        let sha1 = |file: &ListedFile| file.sha1.clone();
        let sha256 = |file: &ListedFile| Some(file.sha256.to_string());
        self.push_list(&mut out, "Files", dsc, Some(&dsc.md5), md5);
        self.push_list(&mut out, "Checksums-Sha1", dsc, dsc.sha1.as_deref(), sha1);
        self.push_list(&mut out, "Checksums-Sha256", dsc, Some(&dsc.sha256.to_string()), sha256);
        out
    }

    /// Appends a list of files, if that hash is known of each of them.
    fn push_list(
        &self,
        out: &mut String,
        field: &str,
        dsc: &DscFile,
        own: Option<&str>,
        hash: impl Fn(&ListedFile) -> Option<String>,
    ) {
        let Some(own) = own else { return };
        let mut list = format!("{field}:\n {own} {} {}\n", dsc.size, dsc.name);
        for file in &self.files {
            let Some(hash) = hash(file) else { return };
            list.push_str(&format!(" {hash} {} {}\n", file.size, file.name));
        }
        out.push_str(&list);
    }
}

/// A `.buildinfo` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buildinfo {
    /// Source package name.
    pub source: String,
    /// Version of what was built.
    pub version: String,
    /// The words of `Architecture`.
    pub architectures: Vec<String>,
    /// `Build-Architecture`.
    pub build_architecture: Option<String>,
    /// What was built, in the order of `Checksums-Sha256`.
    pub files: Vec<ListedFile>,
    /// `Installed-Build-Depends` as (package, version); a package may carry `:architecture`.
    pub installed: Vec<(String, String)>,
}

impl Buildinfo {
    /// Reads a `.buildinfo` file, clearsigned or not. The signature is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Buildinfo, ChangesError> {
        let strict = Strict::read(bytes)?;
        let (source, _) = strict.source()?;
        Ok(Buildinfo {
            source,
            version: strict.version()?,
            architectures: strict.architectures()?,
            build_architecture: strict.get("Build-Architecture").map(str::to_owned),
            files: strict.files(read::Lists::Buildinfo)?,
            installed: strict.installed()?,
        })
    }
}

/// A folded value on one line.
fn one_line(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
