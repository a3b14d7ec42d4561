//! An import: every entry's Release file verified, its indexes fetched, and each suite given its role.

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;

use super::error::{MirrorError, Place};
use super::transfer::{Meter, blocking};
use super::{Mirror, bare, index, keys};
use crate::core::debian::apt_source::{AptEntry, ByHash};
use crate::core::debian::release::Release;
use crate::core::events::{Event, Listener};
use crate::core::ids::Sha256;
use crate::core::import::{
    DateProblem, Facts, SuitePlan, Tried, Verdict, check_dates, essential_packages, judge, plan_suite,
};
use crate::core::pinned::{Imported, IndexKind, PinnedIndex, PinnedSuite, Role};
use crate::core::recipe::AptSources;
use crate::io::openpgp::{self, OpenPgpError};

/// No Release file is larger; Debian's has 150 kB, and a whole port with Contents files a few MB.
const RELEASE_LIMIT: u64 = 64 * 1024 * 1024;

/// A suite that was read, its role not yet known.
struct Read {
    pinned: PinnedSuite,
    essential: u64,
    notes: Vec<String>,
}

/// A Release file that may be believed.
struct Believed {
    release: Release,
    /// Hash of InRelease, or of Release.
    sha256: Sha256,
    /// Where it was.
    place: Place,
    notes: Vec<String>,
}

pub(super) async fn import(
    mirror: &Mirror,
    sources: &AptSources,
    entries: &[AptEntry],
    (arch, build_arch): (&str, Option<&str>),
    now: Timestamp,
    listener: &dyn Listener,
) -> Result<Imported, MirrorError> {
    let (entries, asks) = asks(entries, &[Some(arch), build_arch].into_iter().flatten().collect::<Vec<_>>());
    if entries.is_empty() {
        return Err(MirrorError::NothingFor { arch: arch.to_owned(), notes: Vec::new() });
    }
    let what = format!("reading {} suites", entries.len());
    listener.hear(&Event::Working { step: "import".to_owned(), what });
    let meter = Meter::new(listener);
    // The futures are made before they are streamed: with a closure in the stream the compiler cannot prove that all of
    // this may move between threads.
    let reads: Vec<_> = asks.iter().map(|asks| read(mirror, asks, now, &meter)).collect();
    let reads: Vec<_> = stream::iter(reads).buffered(mirror.settings.parallel.max(1)).collect().await;
    let mut imported = pin(sources, &entries, reads, arch)?;
    imported.build_architecture = build_arch.map(str::to_owned);
    Ok(imported)
}

/// One suite, as its entry is for each architecture that it is asked about.
type Asks<'a> = Vec<(AptEntry, &'a str)>;

/// The entries for some architectures, and what is asked of each: of a suite that serves several of them, all at once.
fn asks<'a>(entries: &[AptEntry], architectures: &[&'a str]) -> (Vec<AptEntry>, Vec<Asks<'a>>) {
    let mut asks: Vec<Asks<'a>> = Vec::new();
    for entry in entries {
        let begin = asks.len();
        for &architecture in architectures {
            let Some(entry) = entry.for_architecture(architecture) else { continue };
            let same = |other: &AptEntry| (&other.uri, &other.suite) == (&entry.uri, &entry.suite);
            match asks[begin..].iter_mut().find(|ask| same(&ask[0].0)) {
                Some(ask) => ask.push((entry, architecture)),
                None => asks.push(vec![(entry, architecture)]),
            }
        }
    }
    (asks.iter().map(|ask| ask[0].0.clone()).collect(), asks)
}

/// Gives each entry its verdict, and puts what is taken together.
fn pin(
    sources: &AptSources,
    entries: &[AptEntry],
    reads: Vec<Result<Read, MirrorError>>,
    arch: &str,
) -> Result<Imported, MirrorError> {
    let facts = |read: &'_ Read| (read.pinned.origin.clone(), read.essential);
    let facts: Vec<Option<(String, u64)>> = reads.iter().map(|read| read.as_ref().ok().map(facts)).collect();
    let tried: Vec<Tried<'_>> = entries
        .iter()
        .zip(&facts)
        .map(|(entry, facts)| Tried {
            entry,
            read: facts.as_ref().map(|(origin, essential)| Facts { origin, essential: *essential }),
        })
        .collect();
    let nothing = facts.iter().all(Option::is_none);
    let mut imported = Imported { architecture: arch.to_owned(), ..Imported::default() };
    for ((read, verdict), entry) in reads.into_iter().zip(judge(sources, &tried)).zip(entries) {
        match (read, verdict) {
            (Ok(mut read), Verdict::Take(role)) => {
                read.pinned.role = role;
                imported.notes.append(&mut read.notes);
                imported.suites.push(read.pinned);
            }
            (Err(error), _) if error.is_ours() => return Err(error),
            (Err(error), _) if nothing && entries.len() > 1 => {
                return Err(MirrorError::NothingRead { tried: entries.len(), first: Box::new(error) });
            }
            (Err(error), Verdict::LeaveOut) => imported.notes.push(format!(
                "`{} {}` is left out, it is no part of the distribution: {}",
                entry.uri,
                entry.suite,
                error.first_line()
            )),
            (Err(error), Verdict::Fail | Verdict::Take(_)) => return Err(error),
            (Ok(_), Verdict::LeaveOut | Verdict::Fail) => {
                unreachable!("only entries that failed are left out or stop an import")
            }
        }
    }
    if imported.suites.iter().all(|suite| suite.indexes.is_empty()) {
        return Err(MirrorError::NothingFor { arch: arch.to_owned(), notes: imported.notes });
    }
    Ok(imported)
}

/// Reads one entry's suite.
async fn read(
    mirror: &Mirror,
    asks: &[(AptEntry, &str)],
    now: Timestamp,
    meter: &Meter<'_>,
) -> Result<Read, MirrorError> {
    let (entry, arch) = &asks[0];
    let Believed { release, sha256, place, mut notes } = believe(mirror, entry, arch, now).await?;
    let rules = mirror.config.date_rules(&release.label).for_entry(entry);
    check_dates(&release, rules, now.as_second()).map_err(|problem| dated(&place, problem, now))?;
    let plans = asks.iter().map(|(entry, arch)| plan_suite(entry, &release, arch));
    let plan = plans.reduce(SuitePlan::and).unwrap_or_default();
    notes.extend(plan.notes);
    if let Some(index) = plan.missing.into_iter().next() {
        return Err(MirrorError::NoIndex { place, index });
    }
    let by_hash = match entry.by_hash {
        ByHash::Auto => release.acquire_by_hash,
        ByHash::No => false,
        ByHash::Force => true,
    };
    let (mut indexes, mut essential) = (Vec::new(), 0);
    let fetches: Vec<_> =
        plan.indexes.iter().map(|wanted| index::fetch(mirror, &place, by_hash, wanted, meter)).collect();
    let mut fetched = stream::iter(fetches).buffered(mirror.settings.parallel.max(1));
    for wanted in &plan.indexes {
        let stored = fetched.next().await.expect("there is one answer for each index")?;
        if let IndexKind::Packages(_) = wanted.kind {
            let store = mirror.store.clone();
            essential += blocking(move || store.map(&stored.sha256).map(|bytes| essential_packages(&bytes))).await?;
        }
        indexes.push(PinnedIndex {
            component: wanted.component.clone(),
            kind: wanted.kind.clone(),
            sha256: stored.sha256,
            size: stored.size,
        });
    }
    let pinned = PinnedSuite {
        uri: entry.uri.clone(),
        suite: entry.suite.clone(),
        codename: release.codename,
        origin: release.origin,
        label: release.label,
        role: Role::ThirdParty,
        release_sha256: sha256,
        date: release.date,
        not_automatic: release.not_automatic,
        but_automatic_upgrades: release.but_automatic_upgrades,
        entry: entry.origin.clone(),
        indexes,
    };
    Ok(Read { pinned, essential, notes })
}

/// The folder of the Release file, relative to the archive's root, with a slash at its end unless it is the root.
fn folder(entry: &AptEntry) -> String {
    if !entry.is_flat() {
        return format!("dists/{}/", entry.suite);
    }
    let path = entry.suite.trim_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.is_empty() || path == "." { String::new() } else { format!("{path}/") }
}

/// Fetches InRelease, or Release with Release.gpg, and verifies the signature.
async fn believe(mirror: &Mirror, entry: &AptEntry, arch: &str, now: Timestamp) -> Result<Believed, MirrorError> {
    let at = |name: &str| Place::of_archive(&entry.uri, &format!("{}{name}", folder(entry)), Some(&entry.origin));
    let place = at("InRelease");
    if entry.trusted == Some(false) {
        return Err(MirrorError::Distrusted { place });
    }
    match mirror.read(&place, RELEASE_LIMIT).await {
        Ok(signed) => {
            let sha256 = Sha256::of(&signed);
            let keyring = keys::for_entry(mirror, entry, &place);
            let verified = keyring
                .map_err(Bad::Other)
                .and_then(|keyring| openpgp::verify_inline(&signed, &keyring, now).map_err(Bad::Signature));
            let (text, notes) = accept(entry, &place, verified, || openpgp::text_unverified(&signed))?;
            parsed(text, sha256, place, notes)
        }
        Err(MirrorError::NotFound { .. }) => believe_apart(mirror, entry, arch, now, [place, at("Release")]).await,
        Err(error) => Err(error),
    }
}

/// The same for an archive without InRelease.
async fn believe_apart(
    mirror: &Mirror,
    entry: &AptEntry,
    arch: &str,
    now: Timestamp,
    [inline, place]: [Place; 2],
) -> Result<Believed, MirrorError> {
    let bytes = match mirror.read(&place, RELEASE_LIMIT).await {
        Err(MirrorError::NotFound { .. }) if entry.trusted == Some(true) => {
            let Some(text) = bare::release(mirror, entry, arch, &place).await? else {
                return Err(MirrorError::Unsigned { place: inline });
            };
            let notes = vec![unverified_note(entry, "it has no Release file, and the entry says `Trusted: yes`")];
            return parsed(text.clone(), Sha256::of(&text), place, notes);
        }
        Err(MirrorError::NotFound { .. }) => return Err(MirrorError::Unsigned { place: inline }),
        end => end?,
    };
    let signature = match mirror.read(&place.beside("Release.gpg"), RELEASE_LIMIT).await {
        Err(MirrorError::NotFound { .. }) => None,
        end => Some(end?),
    };
    let keyring = keys::for_entry(mirror, entry, &place);
    let verified = match signature {
        None => Err(Bad::Signature(OpenPgpError::NotSigned)),
        Some(signature) => keyring
            .map_err(Bad::Other)
            .and_then(|keyring| openpgp::verify_detached(&bytes, &signature, &keyring, now).map_err(Bad::Signature)),
    };
    let sha256 = Sha256::of(&bytes);
    let verified = verified.map(|()| bytes.clone());
    let (text, notes) = accept(entry, &place, verified, || bytes)?;
    parsed(text, sha256, place, notes)
}

/// Why a Release file was not verified.
enum Bad {
    /// The signature does not count.
    Signature(OpenPgpError),
    /// Something else.
    Other(MirrorError),
}

/// What a person should know of an archive whose signature was not verified.
fn unverified_note(entry: &AptEntry, why: &str) -> String {
    format!("`{} {}` is used without a verified signature: {why} ({})", entry.uri, entry.suite, entry.origin)
}

/// The text to go by, and a note when it was not verified though it may be used.
fn accept(
    entry: &AptEntry,
    place: &Place,
    verified: Result<Vec<u8>, Bad>,
    unverified: impl FnOnce() -> Vec<u8>,
) -> Result<(Vec<u8>, Vec<String>), MirrorError> {
    let anyway = |why: &str| Ok((unverified(), vec![unverified_note(entry, why)]));
    match verified {
        Ok(text) => Ok((text, Vec::new())),
        Err(_) if entry.trusted == Some(true) => anyway("the entry says `Trusted: yes`"),
        Err(Bad::Signature(OpenPgpError::NotSigned)) if entry.allow_insecure => {
            anyway("the entry says `Allow-Insecure: yes`")
        }
        Err(Bad::Signature(source)) => Err(MirrorError::Signature { place: place.clone(), source }),
        Err(Bad::Other(error)) => Err(error),
    }
}

/// Reads a text that may be believed.
fn parsed(text: Vec<u8>, sha256: Sha256, place: Place, notes: Vec<String>) -> Result<Believed, MirrorError> {
    match Release::parse(&text) {
        Ok(release) => Ok(Believed { release, sha256, place, notes }),
        Err(source) => Err(MirrorError::Release { place, source }),
    }
}

/// The error for what is wrong with the dates.
fn dated(place: &Place, problem: DateProblem, now: Timestamp) -> MirrorError {
    // Seconds of a Release file are within what a timestamp can be, since they were read from one.
    let moment = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    match problem {
        DateProblem::Future { date } => MirrorError::Future { place: place.clone(), date: moment(date), now },
        DateProblem::Expired { valid_until } => {
            MirrorError::Expired { place: place.clone(), valid_until: moment(valid_until), now }
        }
    }
}
